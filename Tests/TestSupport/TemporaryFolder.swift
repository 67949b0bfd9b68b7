internal import Foundation

/// Calls `body` with the path of a new empty folder, and removes it afterwards.
///
/// - Parameter parent: The folder in which it lies; by default the system's for temporary files.
package func withTemporaryFolder<Result>(
    in parent: String? = nil, _ body: (_ path: String) throws -> Result
) throws -> Result {
    let folder = try makeTemporaryFolder(in: parent)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    return try body(folder)
}

/// As the function above, for a `body` that waits.
package func withTemporaryFolder<Result>(
    in parent: String? = nil, _ body: (_ path: String) async throws -> Result
) async throws -> Result {
    let folder = try makeTemporaryFolder(in: parent)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    return try await body(folder)
}

private func makeTemporaryFolder(in parent: String?) throws -> String {
    let files = FileManager.default
    let folder = "\(parent ?? files.temporaryDirectory.path)/t2fnorm-\(UUID().uuidString)"
    try files.createDirectory(atPath: folder, withIntermediateDirectories: true)
    return folder
}
