internal import Failures

/// Why bytes could not be read as a pickle: one line.
package struct PickleError: CodedError, Equatable, Sendable {
    /// Where in the pickle the reader was, in bytes from its front.
    package var offset: Int
    package var reason: String

    package init(offset: Int, reason: String) {
        self.offset = offset
        // The reason quotes names from the pickle: a terminal interprets control characters, and
        // reverses text at some format characters.
        let scalars = reason.unicodeScalars.map { scalar in
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator: Unicode.Scalar(0xFFFD)!
            default: scalar
            }
        }
        self.reason = String(String.UnicodeScalarView(scalars))
    }

    package var exitCode: Int32 { ExitCode.data }

    package var description: String { "at byte \(offset): \(reason)" }
}
