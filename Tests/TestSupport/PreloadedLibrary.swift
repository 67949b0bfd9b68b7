internal import Foundation

/// A library of `Tests/Faults` that is preloaded into a program to make its system calls fail.
package struct PreloadedLibrary: Sendable {
    /// Whether a library can be built on this machine.
    package static var canBeBuilt: Bool { Tool("cc").isThere }

    /// The built library.
    package let path: String

    /// Builds a library into `folder`.
    ///
    /// - Parameter name: Name of the source, such as `failing_calls`.
    package init(_ name: String, in folder: String) async throws {
        path = "\(folder)/\(name).so"
        _ = try await Tool("cc").output([
            "-shared", "-fPIC", "-O1", "-o", path,
            packageRoot.appending(path: "Tests/Faults/\(name).c").path, "-ldl",
        ])
    }
}

/// Failing system calls on some files; see `Tests/Faults/failing_calls.c`.
package struct FailingCalls: Sendable, CustomStringConvertible {
    package var calls: String
    package var path: String
    package var code: Int32
    package var first: Int
    package var count: Int

    /// - Parameters:
    ///   - calls: Names, separated by commas.
    ///   - path: A part of the file's path.
    ///   - code: The error number; 0 to write a wrong bit instead.
    ///   - first: The first call that fails, from 1.
    ///   - count: Number of failing calls; 0 for all, −1 for all until the file is opened again.
    package init(_ calls: String, of path: String, _ code: Int32, first: Int = 1, count: Int = 1) {
        self.calls = calls
        self.path = path
        self.code = code
        self.first = first
        self.count = count
    }

    /// The environment variables for the program.
    ///
    /// - Parameter mark: A file that is created when a call fails.
    package func environment(_ library: PreloadedLibrary, mark: String) -> [String: String] {
        [
            "LD_PRELOAD": library.path, "FAULT_CALLS": calls, "FAULT_PATH": path, "FAULT_ERRNO": "\(code)",
            "FAULT_FIRST": "\(first)", "FAULT_COUNT": "\(count)", "FAULT_MARK": mark,
        ]
    }

    package var description: String { "\(calls) of \(path), \(code), \(first), \(count)" }
}
