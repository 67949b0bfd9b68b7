internal import Foundation

/// An optional program on `PATH`; tests that need it are skipped if it is missing.
package struct Tool: Sendable {
    /// Clang and LLVM's tools come with Swift.
    package static let clang = Tool("clang")
    package static let objdump = Tool("llvm-objdump")
    /// Lists symbols of object files; LLVM's version comes with Swift.
    package static let nm = Tool("llvm-nm")
    package static let python = Tool("python3")

    package let name: String

    package init(_ name: String) { self.name = name }

    package var isThere: Bool {
        let folders = ProcessInfo.processInfo.environment["PATH"]?.split(separator: ":") ?? []
        return folders.contains { FileManager.default.isExecutableFile(atPath: "\($0)/\(name)") }
    }

    package func run(_ arguments: [String]) async throws -> Command.Outcome {
        try await Command(URL(fileURLWithPath: "/usr/bin/env"), [name] + arguments).run()
    }

    /// Runs the tool and returns its standard output.
    ///
    /// - Throws: `ToolError` if its exit code is not 0.
    package func output(_ arguments: [String]) async throws -> String {
        let outcome = try await run(arguments)
        guard outcome.exitCode == 0 else { throw ToolError(name: name, message: outcome.standardError) }
        return outcome.standardOutput
    }
}

/// A tool has failed.
package struct ToolError: Error {
    package let name: String
    package let message: String
}
