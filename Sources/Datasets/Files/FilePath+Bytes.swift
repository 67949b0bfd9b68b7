package import SystemPackage

/// Paths are byte strings, as in Linux; only messages and tables need text.
extension FilePath {
    /// A path of arbitrary bytes; `nil` if they contain a zero, which would terminate the path.
    package init?(bytes: some Sequence<UInt8>) {
        let characters = bytes.map { CChar(bitPattern: $0) }
        guard !characters.contains(0) else { return nil }
        self.init(platformString: characters + [0])
    }

    /// The bytes of the path, without the terminating zero.
    package var bytes: [UInt8] {
        unsafe withPlatformString { characters in
            unsafe Array(UnsafeRawBufferPointer(start: characters, count: length))
        }
    }

    /// The path as text: a byte that is not part of a valid UTF-8 character is written as `\xE9`.
    package var text: String { wordsOf(bytes) }

    /// Whether neither the file nor a folder on the path is hidden, that is, begins with a dot.
    package var isVisible: Bool { !components.contains { $0.kind == .regular && isHidden($0) } }

    /// The path relative to the root of a tree, without `.`, `..` and the root itself; `nil` if it
    /// leads out of the tree or names no file in it.
    package var insideTree: FilePath? {
        let path = FilePath(root: nil, components).lexicallyNormalized()
        return path.components.first?.kind == .regular ? path : nil
    }
}

/// Whether a name begins with a dot.
func isHidden(_ name: FilePath.Component) -> Bool { name.string.utf8.first == UInt8(ascii: ".") }

/// The name of a file without its folders.
package func lastName(of path: String) -> String { lastName(of: FilePath(path)) }

/// The name of a file without its folders, as printable text.
package func lastName(of path: FilePath) -> String {
    path.lastComponent.map { FilePath(root: nil, [$0]).text } ?? ""
}

/// Sorts by bytes: the order does not depend on the locale.
package func sortedByBytes(_ paths: [FilePath]) -> [FilePath] {
    paths.map { (path: $0, bytes: $0.bytes) }
        .sorted { $0.bytes.lexicographicallyPrecedes($1.bytes) }
        .map(\.path)
}

/// Sorts by bytes: the order does not depend on the locale.
package func sortedByBytes(_ names: [String]) -> [String] {
    names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
}

/// The text of bytes that should be UTF-8, with `\xE9` for each invalid byte; different bytes give
/// different text.
package func wordsOf(_ bytes: [UInt8]) -> String {
    if let text = String(validating: bytes, as: UTF8.self) { return text }
    var text = ""
    var parser = Unicode.UTF8.ForwardParser()
    var place = 0
    var rest = bytes.makeIterator()
    while true {
        switch parser.parseScalar(from: &rest) {
        case .valid(let scalar):
            text.unicodeScalars.append(Unicode.UTF8.decode(scalar))
            place += scalar.count
        case .error(let length):
            for byte in bytes[place..<place + length] {
                let digits = String(byte, radix: 16, uppercase: true)
                text += "\\x" + (digits.count < 2 ? "0" : "") + digits
            }
            place += length
        case .emptyInput: return text
        }
    }
}
