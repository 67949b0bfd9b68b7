import Foundation
import TestSupport
import Testing

/// `Sources/Software/record-source`, which the build runs.
@Suite(.enabled(if: Tool("git").isThere, "needs git"), .timeLimit(.minutes(30)))
struct RecordSourceTests {
    /// Runs the script on a package in `folder` and returns the file's two lines.
    private func record(_ folder: String, _ variables: [String: String] = [:]) async throws -> [String] {
        let script = packageRoot.appending(path: "Sources/Software/record-source").path
        let outcome = try await Command(
            URL(filePath: "/bin/sh"), [script, folder, "/nowhere/swiftc", "\(folder)/Recorded.swift"],
            environment: variables
        ).run()
        #expect(outcome.exitCode == 0 && outcome.standardError.isEmpty, "\(outcome.standardError)")
        return try String(contentsOfFile: "\(folder)/Recorded.swift", encoding: .utf8)
            .split(separator: "\n").map(String.init)
    }

    @discardableResult
    private func git(_ folder: String, _ arguments: String...) async throws -> String {
        let author = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"]
        return try await Tool("git").output(["-C", folder] + author + arguments)
            .trimmingCharacters(in: .whitespacesAndNewlines)
    }

    private func makePackage(in folder: String) async throws {
        try FileManager.default.createDirectory(
            atPath: "\(folder)/Sources", withIntermediateDirectories: true)
        try "a".write(toFile: "\(folder)/Sources/a.swift", atomically: true, encoding: .utf8)
        try await git(folder, "init", "--quiet")
        try await git(folder, "add", "Sources")
        try await git(folder, "commit", "--quiet", "--message", "first")
    }

    @Test func theCommitIsMarkedIfASourceHasChanged() async throws {
        try await withTemporaryFolder { folder in
            try await makePackage(in: folder)
            let commit = try await git(folder, "rev-parse", "HEAD").prefix(12)
            #expect(
                try await record(folder)
                    == ["let recordedCommit = \"\(commit)\"", "let recordedCompiler = \"unknown\""])
            // Other files are no part of the program.
            try "b".write(toFile: "\(folder)/notes.md", atomically: true, encoding: .utf8)
            #expect(try await record(folder)[0] == "let recordedCommit = \"\(commit)\"")
            try "b".write(toFile: "\(folder)/Sources/b.swift", atomically: true, encoding: .utf8)
            #expect(try await record(folder)[0] == "let recordedCommit = \"\(commit)-dirty\"")
            // The variables of a git hook name another repository.
            let hook = ["GIT_DIR": "/nowhere", "GIT_INDEX_FILE": "/nowhere/index"]
            #expect(try await record(folder, hook)[0] == "let recordedCommit = \"\(commit)-dirty\"")
        }
    }

    @Test func anUnchangedFileIsNotWritten() async throws {
        try await withTemporaryFolder { folder in
            try await makePackage(in: folder)
            _ = try await record(folder)
            let path = "\(folder)/Recorded.swift"
            let old = Date(timeIntervalSince1970: 1_000_000)
            try FileManager.default.setAttributes([.modificationDate: old], ofItemAtPath: path)
            _ = try await record(folder)
            let date = try FileManager.default.attributesOfItem(atPath: path)[.modificationDate]
            #expect(date as? Date == old)
        }
    }

    @Test func sourcesOutsideOfTheirRepositoryAreUnknown() async throws {
        try await withTemporaryFolder { folder in
            #expect(try await record(folder)[0] == "let recordedCommit = \"unknown\"")
            // An unpacked archive inside another checkout.
            try await makePackage(in: folder)
            let package = "\(folder)/package"
            try FileManager.default.createDirectory(atPath: package, withIntermediateDirectories: true)
            #expect(try await record(package)[0] == "let recordedCommit = \"unknown\"")
            let given = ["T2FNORM_COMMIT": "0123456789ab"]
            #expect(try await record(package, given)[0] == "let recordedCommit = \"0123456789ab\"")
            let bad = ["T2FNORM_COMMIT": "\"; fatalError()"]
            #expect(try await record(package, bad)[0] == "let recordedCommit = \"unknown\"")
        }
    }
}
