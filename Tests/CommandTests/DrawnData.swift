import Foundation
import Synchronization
import TestSupport
import Testing

/// Sets of the synthetic benchmark that the tests of a process share; no test may change them.
enum DrawnData {
    /// The numbers of images that `t2fnorm data synthesize` draws; `nil` for its default.
    private struct Counts: Hashable {
        let train: Int
        let other: Int?
    }

    private static let root = Mutex<String?>(nil)
    private static let drawn = Mutex<[Counts: Task<String, any Error>]>([:])

    /// Makes `folder/data` a link to sets of this size, which are drawn at the first call.
    static func link(into folder: String, train: Int, other: Int? = 40) async throws {
        let counts = Counts(train: train, other: other)
        let task = drawn.withLock { all in
            let task = all[counts] ?? Task { try await draw(counts) }
            all[counts] = task
            return task
        }
        try FileManager.default.createSymbolicLink(
            atPath: "\(folder)/data", withDestinationPath: try await task.value)
    }

    private static func draw(_ counts: Counts) async throws -> String {
        // Faults are injected by the path that ends with data/train/shard-….
        let folder = "\(try makeRoot())/\(counts.train)-\(counts.other.map(String.init) ?? "default")/data"
        let other = counts.other.map { ["--other-count", "\($0)"] } ?? []
        let outcome = try await Command(
            Command.product("t2fnorm"),
            ["data", "synthesize", folder, "--train-count", "\(counts.train)"] + other
        ).run()
        try #require(outcome.exitCode == 0, "\(outcome.standardError)")
        return folder
    }

    /// The folder of all sets, which is removed when the process ends.
    private static func makeRoot() throws -> String {
        try root.withLock { root in
            if let root { return root }
            let path = "\(FileManager.default.temporaryDirectory.path)/t2fnorm-drawn-\(UUID().uuidString)"
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
            root = path
            atexit { DrawnData.removeRoot() }
            return path
        }
    }

    private static func removeRoot() {
        root.withLock { if let path = $0 { try? FileManager.default.removeItem(atPath: path) } }
    }
}
