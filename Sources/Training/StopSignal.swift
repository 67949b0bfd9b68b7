internal import Foundation
internal import Synchronization

/// The first signal that asked this process to stop; 0 for none.
private let caught = Atomic<Int32>(0)

/// The signals by which a user or a scheduler asks a job to stop: SIGUSR1, SIGUSR2, SIGTERM and SIGINT.
///
/// Once trapped they are kept until a step's end; SIGINT that comes again ends the process as usual.
public enum StopSignal {
    private static let names = [
        SIGUSR1: "SIGUSR1", SIGUSR2: "SIGUSR2", SIGTERM: "SIGTERM", SIGINT: "SIGINT",
    ]

    /// Traps the signals for the rest of the process.
    public static func trap() {
        // Made before a handler may look at it.
        _ = caught.load(ordering: .relaxed)
        for number in names.keys {
            _ = signal(number) { number in
                _ = caught.compareExchange(expected: 0, desired: number, ordering: .relaxed)
                if number == SIGINT { _ = signal(SIGINT, SIG_DFL) }
            }
        }
    }

    /// The name of the first signal since `trap`.
    public static var received: String? {
        let number = caught.load(ordering: .relaxed)
        return number == 0 ? nil : names[number]
    }
}
