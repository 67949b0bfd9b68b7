internal import Foundation

/// Reads the small text files in which the kernel reports its state.
enum SystemFile {
    /// The file's text; `nil` if it cannot be read.
    static func text(_ path: String) -> String? { try? String(contentsOfFile: path, encoding: .utf8) }

    /// The words of a file's first line as integers, `nil` for a word that is none; empty if the
    /// file cannot be read.
    static func numbers(_ path: String) -> [Int?] {
        let line = text(path)?.split(separator: "\n").first ?? ""
        return line.split(whereSeparator: \.isWhitespace).map { Int($0) }
    }

    /// The first number of a file; `nil` if there is none.
    static func number(_ path: String) -> Int? { numbers(path).first ?? nil }

    /// The number after `name` on the first line that begins with `name`.
    static func field(_ name: String, of path: String) -> Int? {
        let line = text(path)?.split(separator: "\n").first { $0.hasPrefix(name) }
        return line?.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Int($0) }
    }
}
