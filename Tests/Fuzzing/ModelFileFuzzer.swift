import Foundation

/// The fuzz target that `tools/fuzz-exchange` builds with libFuzzer; `T2FNORM_FUZZ` selects the
/// mode.
///
/// `file` passes the bytes to `ModelFile` unchanged. `pickle` puts them into the `data.pkl` of an
/// archive with valid checksums and one storage, so that the pickle reader and the tensors are
/// reached.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    var bytes = unsafe [UInt8](UnsafeBufferPointer(start: start, count: count))
    if wrapsPickle {
        var archive = ZipWriter(capacity: bytes.count + 4096)
        archive.add("archive/data.pkl", bytes)
        archive.add("archive/data/0", [UInt8](repeating: 0, count: 64))
        bytes = archive.finish()
    }
    guard let model = try? ModelFile(bytes: bytes, path: "") else { return 0 }
    for named in model.tensors {
        precondition(named.tensor.count <= bytes.count, "more elements than bytes")
        precondition(named.tensor.floats().count == named.tensor.count, "elements")
    }
    return 0
}

private let wrapsPickle = ProcessInfo.processInfo.environment["T2FNORM_FUZZ"] == "pickle"
