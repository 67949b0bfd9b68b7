import ArgumentParser
import Cluster
import Files
import Foundation
import Training

extension ParsableCommand {
    /// Ends the process for an error of parsing or running: `--help` with 0, a wrong command line with 2, others with
    /// the error's own code; one line.
    static func exit(reporting error: any Error) -> Never {
        if Self.isCommandLine(error) {
            guard !Self.exitCode(for: error).isSuccess else {
                exitTogether(0) { print(Self.fullMessage(for: error, columns: helpWidth)) }
            }
            exitTogether(Training.ExitCode.usage) { printError("t2fnorm: \(Self.usageLine(of: error))") }
        }
        let (code, message) = failureReport(of: error)
        if error is LaunchError { exitTogether(code) { printError("t2fnorm: \(message)") } }
        printError("t2fnorm: \(message)")
        Foundation.exit(code)
    }

    /// What is wrong with the command line and which help to read.
    ///
    /// - Parameter path: The command's words, where this is not the root of all commands.
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
/// only this rank knows of ends the job at once. From the start of MPI to its end a watchdog ends a job that a rank holds up.
///
/// - Parameters:
///   - isLogged: Whether its lines are those of a log, so that its failure has a time, too.
///   - body: Returns the exit code, the same on all ranks.
func runJob(isLogged: Bool = false, _ body: (any Communicator) throws -> Int32) throws {
    let board = ActivityBoard(fileCall: { FileWait.longest })
    let communicator: any Communicator = ObservedCommunicator(try connect(), board: board)
    do {
        let watchdog = try Watchdog(communicator, board: board, report: endIfHeldUp)
        try communicator.together(describe: failureReport) { try watchdog.start() }
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
        // Without a watchdog.
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
    static let staging = Self("staging")
    static let evaluation = Self("evaluation")
    static let packing = Self("packing")
    /// Until all ranks have come to it.
    static let end = Self("end")
}

/// Says which rank holds up the job; where it cannot go on, ends this process, which may wait in MPI for ever.
@Sendable private func endIfHeldUp(_ report: Watchdog.Report) {
    switch report {
    case .notice(let line): printJobError("t2fnorm: note: \(line)")
    case .failure(let line): printJobError("t2fnorm: \(line)")
    case .end(isOwn: true): _exit(Training.ExitCode.environment)
    case .end(isOwn: false):
        // The one who has said why is to end first: its code is the job's.
        sleep(2)
        _exit(Training.ExitCode.environment)
    }
}

/// Says why a job ends: in a log with the time, unless it is the command line or the configuration, which say it at once.
private func printFailure(_ line: String, _ code: Int32, _ isLogged: Bool) {
    if isLogged && code != Training.ExitCode.usage { printJobError(line) } else { printError(line) }
}

/// Columns of a help text: the terminal's, but no fewer than its examples take, since a wrapped one cannot be pasted.
private var helpWidth: Int {
    let told = ProcessInfo.processInfo.environment["COLUMNS"].flatMap { Int($0) }
    return max(80, told ?? Terminal(of: STDOUT_FILENO)?.width ?? 80)
}
