package import Foundation

/// A program that runs to its end or to a time limit.
package struct Command: Sendable {
    package let executable: URL
    package var arguments: [String]
    /// Added to the environment of the tests; an empty value removes a variable.
    package var environment: [String: String]
    package var workingDirectory: URL?
    /// Time after which the program and its children are killed; generous, so that only hanging
    /// programs reach it on a busy machine.
    package var timeLimit: Duration

    /// The result of a program.
    package struct Outcome: Sendable {
        /// The exit code; 128 + n after signal n.
        package let exitCode: Int32
        package let standardOutput: String
        package let standardError: String
        package let isTimedOut: Bool
    }

    /// A program by its path, such as `/bin/sh` or `Command.product("t2fnorm")`.
    package init(
        _ executable: URL, _ arguments: [String] = [], environment: [String: String] = [:],
        workingDirectory: URL? = nil, timeLimit: Duration = .seconds(600)
    ) {
        self.executable = executable
        self.arguments = arguments
        self.environment = environment
        self.workingDirectory = workingDirectory
        self.timeLimit = timeLimit
    }

    /// An executable of this package, from the folder that the running tests were built into.
    package static func product(_ name: String) -> URL {
        URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
            .deletingLastPathComponent().appendingPathComponent(name)
    }

    /// Runs the program; its output goes to files, so that it never blocks on a full pipe.
    ///
    /// - Parameter isKilled: Called every millisecond; once it returns true, the program gets
    ///   SIGKILL.
    package func run(killedWhen isKilled: (@Sendable () -> Bool)? = nil) async throws -> Outcome {
        try await withTemporaryFolder { folder in
            let output = URL(filePath: "\(folder)/output")
            let errors = URL(filePath: "\(folder)/errors")

            let process = Process()
            process.executableURL = executable
            process.arguments = arguments
            process.environment = ProcessInfo.processInfo.environment
                .merging(environment) { _, new in new }.filter { !$0.value.isEmpty }
            if let workingDirectory { process.currentDirectoryURL = workingDirectory }
            process.standardInput = FileHandle.nullDevice
            process.standardOutput = try Self.emptyFile(output)
            process.standardError = try Self.emptyFile(errors)

            let isTimedOut = try await Self.run(process, timeLimit: timeLimit, killedWhen: isKilled)
            let isSignal = process.terminationReason == .uncaughtSignal
            return Outcome(
                exitCode: isSignal ? 128 + process.terminationStatus : process.terminationStatus,
                standardOutput: String(decoding: try Data(contentsOf: output), as: UTF8.self),
                standardError: String(decoding: try Data(contentsOf: errors), as: UTF8.self),
                isTimedOut: isTimedOut)
        }
    }

    private static func emptyFile(_ url: URL) throws -> FileHandle {
        try Data().write(to: url)
        return try FileHandle(forWritingTo: url)
    }

    /// Returns whether the process reached its time limit. It is ended by SIGTERM first, so that
    /// `mpirun` can end its ranks, then by SIGKILL.
    private static func run(
        _ process: Process, timeLimit: Duration, killedWhen isKilled: (@Sendable () -> Bool)?
    ) async throws -> Bool {
        let (ends, end) = AsyncStream.makeStream(of: Void.self)
        process.terminationHandler = { _ in end.finish() }
        try withoutBlockedSignals { try process.run() }
        let identifier = process.processIdentifier
        let killer = Task {
            try await Task.sleep(for: timeLimit)
            kill(identifier, SIGTERM)
            try? await Task.sleep(for: .seconds(3))
            if !Task.isCancelled { kill(identifier, SIGKILL) }
        }
        let watcher = Task {
            guard let isKilled else { return }
            while !isKilled() { try await Task.sleep(for: .milliseconds(1)) }
            kill(identifier, SIGKILL)
        }
        for await _ in ends {}
        watcher.cancel()
        killer.cancel()
        if case .success = await killer.result { return true }
        return false
    }
}

/// Runs `body` on this thread with no signal blocked, since a child inherits the signal mask, and
/// the threads of a pool block signals.
package func withoutBlockedSignals(_ body: () throws -> Void) rethrows {
    var none = sigset_t()
    var before = sigset_t()
    unsafe sigemptyset(&none)
    unsafe pthread_sigmask(SIG_SETMASK, &none, &before)
    defer { unsafe pthread_sigmask(SIG_SETMASK, &before, nil) }
    try body()
}
