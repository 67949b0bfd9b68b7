internal import Foundation

/// A library of `Tests/Faults` that is preloaded into a program to have its system calls fail.
public struct PreloadedLibrary: Sendable {
    /// Whether it can be built here.
    public static var canBeBuilt: Bool { Tool("cc").isThere }

    /// The built library.
    public let path: String

    /// Builds one into `folder`.
    ///
    /// - Parameter name: Of the source, as `failing_calls`.
    public init(_ name: String, in folder: String) async throws {
        path = "\(folder)/\(name).so"
        _ = try await Tool("cc").output([
            "-shared", "-fPIC", "-O1", "-o", path,
            packageRoot.appending(path: "Tests/Faults/\(name).c").path, "-ldl",
        ])
    }
}

/// System calls on some files that fail; see `Tests/Faults/failing_calls.c`.
public struct FailingCalls: Sendable, CustomStringConvertible {
    public var calls: String
    public var path: String
    public var code: Int32
    public var first: Int
    public var count: Int

    /// - Parameters:
    ///   - calls: Names, separated by commas.
    ///   - path: What the file's path contains.
    ///   - code: The error number; 0 for a wrong bit in what is written.
    ///   - first: The first call that fails, from 1.
    ///   - count: How many fail; 0 for all, −1 for all until the file is opened again.
    public init(_ calls: String, of path: String, _ code: Int32, first: Int = 1, count: Int = 1) {
        self.calls = calls
        self.path = path
        self.code = code
        self.first = first
        self.count = count
    }

    /// What a program is started with.
    ///
    /// - Parameter mark: A file that is there once a call has failed.
    public func environment(_ library: PreloadedLibrary, mark: String) -> [String: String] {
        [
            "LD_PRELOAD": library.path, "FAULT_CALLS": calls, "FAULT_PATH": path, "FAULT_ERRNO": "\(code)",
            "FAULT_FIRST": "\(first)", "FAULT_COUNT": "\(count)", "FAULT_MARK": mark,
        ]
    }

    public var description: String { "\(calls) of \(path), \(code), \(first), \(count)" }
}
