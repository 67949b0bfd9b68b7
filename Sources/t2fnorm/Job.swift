import ArgumentParser
import Cluster
import Failures
import Files
import Foundation
import Training

extension ParsableCommand {
    /// Prints one line for an error of parsing or running and ends the process: `--help` with exit
    /// code 0, a wrong command line with 2, other errors with their own code.
    static func exit(reporting error: any Error) -> Never {
        if Self.isCommandLine(error) {
            guard !Self.exitCode(for: error).isSuccess else {
                exitTogether(0) { print(Self.fullMessage(for: error, columns: helpWidth)) }
            }
            exitTogether(ExitCode.usage) { printError("t2fnorm: \(Self.usageLine(of: error))") }
        }
        let (code, message) = failureReport(of: error)
        if error is LaunchError { exitTogether(code) { printError("t2fnorm: \(message)") } }
        printError("t2fnorm: \(message)")
        Foundation.exit(code)
    }

    /// One line that says what is wrong with the command line and which help to read.
    ///
    /// - Parameter path: The command's words, if this is not the root command.
    static func usageLine(of error: any Error, command path: String? = nil) -> String {
        let lines = { (text: String) in
            text.split(whereSeparator: \.isNewline).map { $0.trimmingCharacters(in: .whitespaces) }
        }
        let message = lines(Self.message(for: error)).joined(separator: " ")
        let help = lines(Self.fullMessage(for: error)).last { $0.hasPrefix("See ") && $0.contains("--help") }
        let name = Self._commandName
        let pasted =
            path.flatMap { path in help?.replacing("'\(name) --help'", with: "'\(path) --help'") } ?? help
        let sentence = ".?!".contains(message.last ?? ".") ? message : message + "."
        return [sentence, pasted].compactMap { $0 }.joined(separator: " ")
    }

    private static func isCommandLine(_ error: any Error) -> Bool {
        // ArgumentParser's own errors are recognised by its own exit codes.
        error is CleanExit || error is ValidationError || exitCode(for: error) == .validationFailure
            || exitCode(for: error).isSuccess
    }
}

/// An error of the command line that is found while the job runs.
struct UsageError: CodedError {
    let description: String
    let exitCode = ExitCode.usage
}

/// A command that runs in one process: several ranks would all do the same work and overwrite each
/// other's files.
protocol SingleProcessCommand: ParsableCommand {}

extension SingleProcessCommand {
    /// Throws if the process is one of several ranks.
    func checkIsAlone() throws {
        guard let size = try Environment.current().launchedSize, size > 1 else { return }
        throw ValidationError(
            "'\(Self._commandName)' works in one process, found \(size) ranks; start it without mpirun.")
    }
}

/// Ends the process for an error that every rank of a job meets before MPI starts; rank 0 alone
/// reports it.
///
/// The launcher ends the job at the first rank that fails. That must be rank 0, so the other ranks
/// wait for it.
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
/// Rank 0 alone prints a failure that all ranks have agreed on, and every rank exits with its code.
/// A failure of this rank alone ends the job at once. While MPI runs, a watchdog ends a job that a
/// rank holds up.
///
/// - Parameters:
///   - isLogged: Whether the job's output is a log, so that its failure is printed with the time.
///   - body: Returns the exit code, the same on all ranks.
func runJob(isLogged: Bool = false, _ body: (any Communicator) throws -> Int32) throws {
    let board = ActivityBoard(fileCall: { FileWait.longest })
    let communicator: any Communicator = ObservedCommunicator(try connect(), board: board)
    do {
        let watchdog = try Watchdog(communicator, board: board, report: endIfHeldUp)
        try communicator.together { try watchdog.start() }
        let code: Int32
        do {
            code = try body(communicator)
        } catch let failure as JobFailure {
            if communicator.rank == 0 {
                printFailure("t2fnorm: \(failure.message)", failure.exitCode, isLogged)
            }
            code = failure.exitCode
        }
        board.enter(.end)
        try communicator.finish()
        watchdog.stop()
        if code != 0 { Foundation.exit(code) }
    } catch let failure as JobFailure {
        // The watchdog did not start.
        if communicator.rank == 0 { printFailure("t2fnorm: \(failure.message)", failure.exitCode, isLogged) }
        try? communicator.finish()
        Foundation.exit(failure.exitCode)
    } catch {
        let (code, message) = failureReport(of: error)
        communicator.abort(exitCode: code) {
            printFailure("t2fnorm: rank \(communicator.rank): \(message)", code, isLogged)
        }
    }
}

extension ActivityBoard.Phase {
    static let packing = Self("packing")
    /// The end of the job, where each rank waits for all others.
    static let end = Self("end")
}

/// Prints which rank holds up the job; if the job cannot continue, ends this process, which may
/// block in MPI for ever.
@Sendable private func endIfHeldUp(_ report: Watchdog.Report) {
    switch report {
    case .notice(let line): printJobError("t2fnorm: note: \(line)")
    case .failure(let line): printJobError("t2fnorm: \(line)")
    case .end(isOwn: true): _exit(ExitCode.environment)
    case .end(isOwn: false):
        // The rank that has printed the reason must end first, since its exit code becomes the
        // job's.
        sleep(2)
        _exit(ExitCode.environment)
    }
}

/// Prints why a job ends: in a log with the time, except for errors of the command line or the
/// configuration, which occur right after the start.
private func printFailure(_ line: String, _ code: Int32, _ isLogged: Bool) {
    if isLogged && code != ExitCode.usage { printJobError(line) } else { printError(line) }
}

/// Width of a help text in columns: the terminal's, but at least 80, so that the examples are not
/// wrapped and can be pasted.
private var helpWidth: Int {
    let columns = ProcessInfo.processInfo.environment["COLUMNS"].flatMap { Int($0) }
    return max(80, columns ?? Terminal(of: STDOUT_FILENO)?.width ?? 80)
}
