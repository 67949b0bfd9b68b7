internal import Foundation

/// An optional program on `PATH`; tests that need it are skipped if it is missing.
public struct Tool: Sendable {
    /// Clang and LLVM's tools come with Swift.
    public static let clang = Tool("clang")
    public static let objdump = Tool("llvm-objdump")
    /// Lists symbols of object files; LLVM's version comes with Swift.
    public static let nm = Tool("llvm-nm")
    public static let python = Tool("python3")

    public let name: String

    public init(_ name: String) { self.name = name }

    public var isThere: Bool {
        let folders = ProcessInfo.processInfo.environment["PATH"]?.split(separator: ":") ?? []
        return folders.contains { FileManager.default.isExecutableFile(atPath: "\($0)/\(name)") }
    }

    public func run(_ arguments: [String]) async throws -> Command.Outcome {
        try await Command(URL(fileURLWithPath: "/usr/bin/env"), [name] + arguments).run()
    }

    /// Runs the tool and returns its standard output.
    ///
    /// - Throws: `ToolError` if its exit code is not 0.
    public func output(_ arguments: [String]) async throws -> String {
        let outcome = try await run(arguments)
        guard outcome.exitCode == 0 else { throw ToolError(name: name, message: outcome.standardError) }
        return outcome.standardOutput
    }
}

/// A tool has failed.
public struct ToolError: Error {
    public let name: String
    public let message: String
}
