public import SystemPackage

/// Paths are bytes, as Linux has them; only messages and tables need text.
extension FilePath {
    /// A path of any bytes; `nil` with a zero among them, which would end it.
    init?(bytes: some Sequence<UInt8>) {
        let characters = bytes.map { CChar(bitPattern: $0) }
        guard !characters.contains(0) else { return nil }
        self.init(platformString: characters + [0])
    }

    /// Without the zero at the end.
    public var bytes: [UInt8] {
        unsafe withPlatformString { characters in
            unsafe Array(UnsafeRawBufferPointer(start: characters, count: length))
        }
    }

    /// The path in words: a byte that belongs to no UTF-8 character is written as `\xE9`.
    public var text: String { wordsOf(bytes) }

    /// Whether no folder on the path, nor the file, is hidden: begins with a dot.
    var isVisible: Bool { !components.contains { $0.kind == .regular && isHidden($0) } }

    /// The path as one inside a tree, without `.`, `..` and the root; `nil` where it leads out of the tree or names none of its files.
    var insideTree: FilePath? {
        let path = FilePath(root: nil, components).lexicallyNormalized()
        return path.components.first?.kind == .regular ? path : nil
    }
}

/// Whether a name begins with a dot.
func isHidden(_ name: FilePath.Component) -> Bool { name.string.utf8.first == UInt8(ascii: ".") }

/// In an order that no language setting changes.
func sortedByBytes(_ paths: [FilePath]) -> [FilePath] {
    paths.map { (path: $0, bytes: $0.bytes) }
        .sorted { $0.bytes.lexicographicallyPrecedes($1.bytes) }
        .map(\.path)
}

/// In an order that no language setting changes.
func sortedByBytes(_ names: [String]) -> [String] {
    names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
}

/// Text of bytes that are meant to be UTF-8, with `\xE9` for each byte that is not; different bytes give different text.
func wordsOf(_ bytes: [UInt8]) -> String {
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
