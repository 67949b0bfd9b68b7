import Cluster
import Foundation

/// A terminal on which a line may be overwritten.
struct Terminal {
    private let path: String
    /// Whether escape sequences may be used for bold text and to erase lines; false if NO_COLOR is
    /// set (no-color.org).
    let allowsEscapes: Bool

    /// - Returns: `nil` for a file, a pipe, or a terminal that cannot overwrite a line (TERM is
    ///   empty or 'dumb').
    init?(of descriptor: Int32, _ variables: [String: String] = ProcessInfo.processInfo.environment) {
        guard !["", "dumb"].contains(variables["TERM"] ?? ""), let path = Self.path(of: descriptor, variables)
        else { return nil }
        self.path = path
        allowsEscapes = (variables["NO_COLOR"] ?? "").isEmpty
    }

    /// The path of the terminal behind `descriptor`. `mpirun` gives its ranks terminals of their
    /// own, so under `mpirun` the descriptor of the parent process is used.
    private static func path(of descriptor: Int32, _ variables: [String: String]) -> String? {
        guard variables["OMPI_COMM_WORLD_SIZE"] != nil else {
            return isatty(descriptor) == 1 ? "/proc/self/fd/\(descriptor)" : nil
        }
        let output = "/proc/\(getppid())/fd/\(descriptor)"
        let target = try? FileManager.default.destinationOfSymbolicLink(atPath: output)
        return target?.hasPrefix("/dev/pts/") == true || target?.hasPrefix("/dev/tty") == true ? target : nil
    }

    /// Current width in columns; 80 if unknown.
    var width: Int {
        let descriptor = unsafe open(path, O_WRONLY | O_NOCTTY | O_CLOEXEC)
        guard descriptor >= 0 else { return 80 }
        defer { _ = close(descriptor) }
        var size = winsize()
        return unsafe ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0
            ? Int(size.ws_col) : 80
    }

    /// Text that erases a line of `columns`. If the window has become narrower, the line has
    /// wrapped and stays.
    func eraser(of columns: Int) -> String {
        let width = self.width
        guard columns < width else { return "\n" }
        return allowsEscapes ? "\r\u{1B}[K" : "\r\(String(repeating: " ", count: width - 1))\r"
    }
}
