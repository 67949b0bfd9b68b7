import Foundation
import TestSupport

/// A C file of `Tests/Faults`, built as a library to preload.
struct Shim {
    let path: String

    /// - Parameter folder: The folder to build into.
    init(_ name: String, in folder: String) async throws {
        path = "\(folder)/\(name).so"
        _ = try await Tool("cc").output([
            "-shared", "-fPIC", "-O1", "-o", path, packageRoot.appending(path: "Tests/Faults/\(name).c").path,
            "-ldl",
        ])
    }
}
