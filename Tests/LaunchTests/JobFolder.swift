import Foundation
import TestSupport
import Testing

/// A folder for a job of the scripts, with mock commands on `PATH`.
struct JobFolder {
    let path: String

    static func with(_ body: (JobFolder) async throws -> Void) async throws {
        try await withTemporaryFolder { folder in
            try FileManager.default.createDirectory(
                atPath: "\(folder)/bin", withIntermediateDirectories: true)
            try await body(JobFolder(path: folder))
        }
    }

    /// Writes a bash script; scripts in `bin` come first on `PATH`.
    @discardableResult func script(_ name: String, _ lines: String) throws -> String {
        let file = "\(path)/\(name)"
        try "#!/usr/bin/env bash\n\(lines)\n".write(toFile: file, atomically: true, encoding: .utf8)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: file)
        return file
    }

    /// Writes a hostfile.
    func hosts(_ text: String) throws -> String {
        let file = "\(path)/hosts"
        try Data(text.utf8).write(to: URL(filePath: file))
        return file
    }

    /// Runs lines of bash in this folder; `$launch` and `$cluster` are the package's folders.
    func bash(_ lines: String, _ environment: [String: String] = [:]) async throws -> Command.Outcome {
        let variables = [
            "PATH": "\(path)/bin:\(ProcessInfo.processInfo.environment["PATH"] ?? "")",
            "launch": packageRoot.appending(path: "launch").path,
            "cluster": packageRoot.appending(path: "cluster").path,
            "T2FNORM": "\(path)/program", "OMPI_ALLOW_RUN_AS_ROOT": "1",
            "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
        ]
        return try await Command(
            URL(filePath: "/usr/bin/env"), ["bash", "-c", lines],
            environment: variables.merging(environment) { _, new in new },
            workingDirectory: URL(filePath: path)
        ).run()
    }

    /// A file's text, empty if it cannot be read.
    func text(_ name: String) -> String {
        (try? String(contentsOfFile: "\(path)/\(name)", encoding: .utf8)) ?? ""
    }

    func hasFile(_ name: String) -> Bool { FileManager.default.fileExists(atPath: "\(path)/\(name)") }
}
