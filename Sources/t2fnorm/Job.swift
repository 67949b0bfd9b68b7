import ArgumentParser
import Cluster
import Foundation
import Training

extension ParsableCommand {
    /// Ends the process for an error of parsing or running: `--help` with 0, a wrong command line with 2, others with
    /// the error's own code and one line.
    static func exit(reporting error: any Error) -> Never {
        if Self.isCommandLine(error) {
            let code = Self.exitCode(for: error)
            let text = Self.fullMessage(for: error)
            if code.isSuccess {
                print(text)
                Foundation.exit(0)
            }
            printError(text)
            Foundation.exit(Training.ExitCode.usage)
        }
        let (code, message) = failureReport(of: error)
        printError("t2fnorm: \(message)")
        Foundation.exit(code)
    }

    private static func isCommandLine(_ error: any Error) -> Bool {
        // ArgumentParser's own errors are the ones it has a code of its own for.
        error is CleanExit || error is ValidationError || exitCode(for: error) == .validationFailure
            || exitCode(for: error).isSuccess
    }
}

/// Joins the job, runs `body` on every rank, and ends the process.
///
/// A failure that all ranks have agreed on is printed by rank 0 alone, and every rank exits with its code. One that
/// only this rank knows of ends the job at once.
func runJob(_ body: (any Communicator) throws -> Void) throws {
    let communicator = try connect()
    do {
        try body(communicator)
        try communicator.finish()
    } catch let failure as JobFailure {
        if communicator.rank == 0 { printError("t2fnorm: \(failure.message)") }
        try? communicator.finish()
        Foundation.exit(failure.exitCode)
    } catch {
        let (code, message) = failureReport(of: error)
        communicator.abort(exitCode: code) { printError("t2fnorm: rank \(communicator.rank): \(message)") }
    }
}

/// Writes one line to standard error.
func printError(_ line: String) {
    FileHandle.standardError.write(Data("\(line)\n".utf8))
}
