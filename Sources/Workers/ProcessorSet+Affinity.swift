internal import CProcessor
internal import Glibc

extension ProcessorSet {
    /// The processors that the calling thread may run on; empty if the system does not report them.
    ///
    /// The kernel's mask has one bit per possible processor, which may be more than the 1,024 of
    /// `cpu_set_t`, and the kernel refuses a shorter mask.
    package static func affinity() -> ProcessorSet {
        var words = [UInt](repeating: 0, count: 16)
        while words.count <= limit / UInt.bitWidth {
            let status = unsafe words.withUnsafeMutableBytes { bytes in
                unsafe readAffinity(bytes.count, bytes.baseAddress)
            }
            if status >= 0 { return ProcessorSet(mask: words) }
            guard errno == EINVAL else { break }
            words = [UInt](repeating: 0, count: 2 * words.count)
        }
        return ProcessorSet([])
    }

    /// The processors whose bits are set; the lowest bit of the first word is processor 0.
    package init(mask words: [UInt]) {
        self.init(
            words.indices.flatMap { word in
                (0..<UInt.bitWidth).lazy.filter { words[word] >> UInt($0) & 1 == 1 }
                    .map { word * UInt.bitWidth + $0 }
            })
    }
}
