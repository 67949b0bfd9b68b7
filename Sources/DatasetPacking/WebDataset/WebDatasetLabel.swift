internal import Datasets
internal import Foundation

/// The label in a sample's file, or what is wrong with the file.
enum WebDatasetLabel: Equatable, Sendable {
    case number(Int32)
    case bad(String)

    /// The largest size of a `.cls` and of a `.json` file. The first has up to ten characters; the
    /// second may have captions and boxes, too.
    static let digitsByteCount = 64
    static let metadataByteCount = 1 << 20

    /// Reads the text of a `.cls` file: a decimal number, with blanks and line ends around it.
    init(digits bytes: [UInt8]) {
        let isSpace = { (byte: UInt8) in isBlank(byte) || byte == 10 || byte == 13 }
        let rest = bytes.drop(while: isSpace)
        let text = rest[..<(rest.lastIndex { !isSpace($0) }.map { $0 + 1 } ?? rest.startIndex)]
        let digits = text.first == UInt8(ascii: "-") ? text.dropFirst() : text
        guard !digits.isEmpty, digits.allSatisfy({ (0x30...0x39).contains($0) }) else {
            self = .bad("its .cls file holds '\(wordsOf(Array(text.prefix(40))))', expected a decimal number")
            return
        }
        self.init(Int(String(decoding: text, as: UTF8.self)), "\(wordsOf(Array(text)))")
    }

    /// Reads a `.json` file: an object whose `label`, or else `cls`, is an integer.
    ///
    /// - Returns: `nil` if it has neither.
    init?(metadata bytes: [UInt8]) {
        let fields: Fields
        do {
            fields = try JSONDecoder().decode(Fields.self, from: Data(bytes))
        } catch {
            self = .bad("its .json file is not an object in JSON")
            return
        }
        switch fields.label ?? fields.cls {
        case nil: return nil
        case .number(let number): self.init(number, "\(number)")
        case .other:
            let key = fields.label == nil ? "cls" : "label"
            self = .bad("the '\(key)' in its .json file is not an integer")
        }
    }

    private init(_ number: Int?, _ text: String) {
        guard let number, (0..<LabelRule.mostClasses).contains(number) else {
            self = .bad("its label is \(text), expected 0 to \(LabelRule.mostClasses - 1)")
            return
        }
        self = .number(Int32(number))
    }
}

/// The fields of a `.json` file that may hold the label; `nil` if absent or null.
private struct Fields: Decodable {
    enum Field: Decodable {
        case number(Int)
        /// Text, a fraction, a number beyond 64 bits, a truth value, …
        case other

        init(from decoder: any Decoder) throws {
            self = (try? decoder.singleValueContainer().decode(Int.self)).map { .number($0) } ?? .other
        }
    }

    var label: Field?
    var cls: Field?
}
