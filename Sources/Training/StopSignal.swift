internal import Foundation
internal import Synchronization

/// The first signal that asked this process to stop; 0 for none.
private let caught = Atomic<Int32>(0)

/// The signals by which a user, a terminal or a scheduler asks a job to stop: SIGUSR1, SIGUSR2,
/// SIGTERM, SIGHUP and SIGINT.
///
/// After `trap`, a signal takes effect at the end of a step; a second SIGINT ends the process as
/// usual. SIGHUP stays ignored if the process was started with it ignored, as by `nohup`.
package enum StopSignal {
    private static let names = [
        SIGUSR1: "SIGUSR1", SIGUSR2: "SIGUSR2", SIGTERM: "SIGTERM", SIGHUP: "SIGHUP",
        SIGINT: "SIGINT",
    ]

    /// Traps the signals for the rest of the process.
    package static func trap() {
        // Initialises the global before a handler may read it.
        _ = caught.load(ordering: .relaxed)
        for number in names.keys where number != SIGHUP || !isIgnored(SIGHUP) {
            _ = signal(number) { number in
                _ = caught.compareExchange(expected: 0, desired: number, ordering: .relaxed)
                if number == SIGINT { _ = signal(SIGINT, SIG_DFL) }
            }
        }
    }

    private static func isIgnored(_ number: Int32) -> Bool {
        var action = sigaction()
        guard unsafe sigaction(number, nil, &action) == 0 else { return false }
        // C functions cannot be compared, their addresses can.
        let handler = unsafe unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self)
        let ignoring = unsafe unsafeBitCast(SIG_IGN, to: Int.self)
        return handler == ignoring
    }

    /// The name of the first signal since `trap`.
    package static var received: String? {
        let number = caught.load(ordering: .relaxed)
        return number == 0 ? nil : names[number]
    }
}
