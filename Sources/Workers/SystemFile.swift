internal import Foundation

/// Reads the small files in which the kernel tells about itself.
enum SystemFile {
    /// The file's text; `nil` if it cannot be read.
    static func text(_ path: String) -> String? { try? String(contentsOfFile: path, encoding: .utf8) }

    /// The numbers of a file's first line, `nil` for other words; empty if it cannot be read.
    static func numbers(_ path: String) -> [Int?] {
        let line = text(path)?.split(separator: "\n").first ?? ""
        return line.split(whereSeparator: \.isWhitespace).map { Int($0) }
    }

    /// The one number in a file.
    static func number(_ path: String) -> Int? { numbers(path).first ?? nil }

    /// The number behind `name` at the beginning of a line.
    static func field(_ name: String, of path: String) -> Int? {
        let line = text(path)?.split(separator: "\n").first { $0.hasPrefix(name) }
        return line?.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Int($0) }
    }
}
