internal import CProcessor
internal import Glibc

extension ProcessorSet {
    /// The processors that the calling thread may run on; empty where the system does not say.
    ///
    /// The mask has as many bits as the kernel counts processors, which may be more than the 1,024 of `cpu_set_t`; the kernel refuses a
    /// shorter one.
    public static func affinity() -> ProcessorSet {
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

    /// The numbers of the bits that are set, the lowest bit of the first word being processor 0.
    public init(mask words: [UInt]) {
        self.init(
            words.indices.flatMap { word in
                (0..<UInt.bitWidth).lazy.filter { words[word] >> UInt($0) & 1 == 1 }
                    .map { word * UInt.bitWidth + $0 }
            })
    }
}
