import ArgumentParser
import Cluster
import Foundation
import Training

extension ParsableCommand {
    /// Ends the process for an error of parsing or running: `--help` with 0, a wrong command line with 2, others with
    /// the error's own code; one line.
    static func exit(reporting error: any Error) -> Never {
        if Self.isCommandLine(error) {
            guard !Self.exitCode(for: error).isSuccess else {
                exitTogether(0) { print(Self.fullMessage(for: error)) }
            }
            exitTogether(Training.ExitCode.usage) { printError("t2fnorm: \(Self.usageLine(of: error))") }
        }
        let (code, message) = failureReport(of: error)
        if error is LaunchError { exitTogether(code) { printError("t2fnorm: \(message)") } }
        printError("t2fnorm: \(message)")
        Foundation.exit(code)
    }

    /// What is wrong with the command line and which help to read.
    static func usageLine(of error: any Error) -> String {
        let lines = { (text: String) in
            text.split(whereSeparator: \.isNewline).map { $0.trimmingCharacters(in: .whitespaces) }
        }
        let message = lines(Self.message(for: error)).joined(separator: " ")
        let help = lines(Self.fullMessage(for: error)).last { $0.hasPrefix("See ") && $0.contains("--help") }
        let sentence = ".?!".contains(message.last ?? ".") ? message : message + "."
        return [sentence, help].compactMap { $0 }.joined(separator: " ")
    }

    private static func isCommandLine(_ error: any Error) -> Bool {
        // ArgumentParser's own errors are the ones it has a code of its own for.
        error is CleanExit || error is ValidationError || exitCode(for: error) == .validationFailure
            || exitCode(for: error).isSuccess
    }
}

/// A command that is no job: it would do the same thing on every rank, each in the way of the others.
protocol SingleProcessCommand: ParsableCommand {}

extension SingleProcessCommand {
    /// Refuses to be one of several ranks.
    func checkIsAlone() throws {
        guard let size = try Environment.current().launchedSize, size > 1 else { return }
        throw ValidationError(
            "'\(Self._commandName)' works in one process, found \(size) ranks; start it without mpirun.")
    }
}

/// Ends the process for what every rank of a job meets alike before MPI starts: rank 0 alone says it.
///
/// The launcher ends the job at the first rank that fails. That must be rank 0, so the others wait for it.
private func exitTogether(_ code: Int32, _ report: () -> Void) -> Never {
    if Environment.rank(ProcessInfo.processInfo.environment) == 0 {
        report()
    } else if code != 0 {
        sleep(2)
    }
    exit(code)
}

/// Joins the job, runs `body` on every rank, and ends the process.
///
/// A failure that all ranks have agreed on is printed by rank 0 alone, and every rank exits with its code. One that
/// only this rank knows of ends the job at once.
///
/// - Parameter body: Returns the exit code, the same on all ranks.
func runJob(_ body: (any Communicator) throws -> Int32) throws {
    let communicator = try connect()
    do {
        let code = try body(communicator)
        try communicator.finish()
        if code != 0 { Foundation.exit(code) }
    } catch let failure as JobFailure {
        if communicator.rank == 0 { printError("t2fnorm: \(failure.message)") }
        try? communicator.finish()
        Foundation.exit(failure.exitCode)
    } catch {
        let (code, message) = failureReport(of: error)
        communicator.abort(exitCode: code) { printError("t2fnorm: rank \(communicator.rank): \(message)") }
    }
}
