extension PickleMachine {
    /// Reads the operand of an operation that creates a number, a text or bytes.
    mutating func scalar(_ opcode: PickleOpcode) throws(PickleError) -> PickleValue {
        switch opcode {
        case .newTrue: .bool(true)
        case .newFalse: .bool(false)
        case .int, .long: try decimal(try input.line())
        case .binInt: .integer(Int(Int32(truncatingIfNeeded: try input.unsigned(byteCount: 4))))
        case .binInt1: .integer(Int(try input.byte()))
        case .binInt2: .integer(Int(try input.unsigned(byteCount: 2)))
        case .long1: integer(try take(lengthOf: 1))
        case .long4: integer(try take(lengthOf: 4))
        case .float: try real(try input.line())
        case .binFloat: .real(Double(bitPattern: try input.unsigned(byteCount: 8).byteSwapped))
        case .string: .bytes(try unquoted(try input.line())[...])
        case .unicode: .text(try unescaped(try input.lineBytes()))
        case .shortBinString, .shortBinBytes: .bytes(try take(lengthOf: 1))
        case .binString, .binBytes: .bytes(try take(lengthOf: 4))
        case .binBytes8, .byteArray8: .bytes(try take(lengthOf: 8))
        case .shortBinUnicode: .text(try text(try take(lengthOf: 1)))
        case .binUnicode: .text(try text(try take(lengthOf: 4)))
        case .binUnicode8: .text(try text(try take(lengthOf: 8)))
        default: .none
        }
    }

    /// Bytes that follow their count.
    private mutating func take(lengthOf byteCount: Int) throws(PickleError) -> ArraySlice<UInt8> {
        try input.take(try input.unsigned(byteCount: byteCount))
    }

    private func text(_ bytes: ArraySlice<UInt8>) throws(PickleError) -> String {
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw failure("a text is not UTF-8")
        }
        return text
    }

    /// An integer in little-endian two's complement; no bytes mean 0.
    private func integer(_ bytes: ArraySlice<UInt8>) -> PickleValue {
        guard bytes.count <= 8 else { return .longInteger(bytes) }
        let isNegative = bytes.last.map { $0 >= 0x80 } ?? false
        return .integer(bytes.reversed().reduce(isNegative ? -1 : 0) { $0 << 8 | Int($1) })
    }

    /// An integer on a line; protocol 0 writes `True` as `01` and marks a long integer with `L`.
    private func decimal(_ line: String) throws(PickleError) -> PickleValue {
        if line == "00" || line == "01" { return .bool(line == "01") }
        let digits = line.hasSuffix("L") ? String(line.dropLast()) : line
        if let value = Int(digits) { return .integer(value) }
        guard let bytes = longInteger(digits) else {
            throw failure("'\(line.prefix(40))' is not an integer of at most 1000 digits")
        }
        return .longInteger(bytes)
    }

    /// The little-endian two's complement of an integer in decimal digits; `nil` if the text is not
    /// an integer or has more than 1000 digits.
    private func longInteger(_ digits: String) -> ArraySlice<UInt8>? {
        let magnitude = digits.utf8.drop { $0 == UInt8(ascii: "-") }
        let isNegative = magnitude.count < digits.utf8.count
        guard magnitude.count <= 1000, digits.utf8.count - magnitude.count <= 1, !magnitude.isEmpty,
            magnitude.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) })
        else { return nil }
        var bytes: [UInt8] = []
        for digit in magnitude {
            var carry = Int(digit - UInt8(ascii: "0"))
            for index in bytes.indices {
                carry += Int(bytes[index]) * 10
                bytes[index] = UInt8(truncatingIfNeeded: carry)
                carry >>= 8
            }
            if carry > 0 { bytes.append(UInt8(carry)) }
        }
        // Room for the sign bit.
        bytes.append(0)
        guard isNegative else { return bytes[...] }
        var carry = 1
        for index in bytes.indices {
            carry += Int(~bytes[index])
            bytes[index] = UInt8(truncatingIfNeeded: carry)
            carry >>= 8
        }
        return bytes[...]
    }

    private func real(_ line: String) throws(PickleError) -> PickleValue {
        guard let value = Double(line) else { throw failure("'\(line.prefix(40))' is not a number") }
        return .real(value)
    }

    /// The bytes of a string literal as Python 2 prints it.
    private func unquoted(_ line: String) throws(PickleError) -> [UInt8] {
        let characters = Array(line.utf8)
        guard characters.count >= 2, let quote = characters.first, quote == characters.last,
            quote == UInt8(ascii: "'") || quote == UInt8(ascii: "\"")
        else { throw failure("a string is not in quotes") }
        let simple: [UInt8: UInt8] = [
            UInt8(ascii: "n"): 10, UInt8(ascii: "r"): 13, UInt8(ascii: "t"): 9, UInt8(ascii: "\\"): 92,
            UInt8(ascii: "'"): 39, UInt8(ascii: "\""): 34,
        ]
        var bytes: [UInt8] = []
        var rest = characters.dropFirst().dropLast()
        while let next = rest.popFirst() {
            guard next == UInt8(ascii: "\\") else {
                bytes.append(next)
                continue
            }
            guard let kind = rest.popFirst() else { throw failure("a string ends within an escape") }
            if let byte = simple[kind] {
                bytes.append(byte)
            } else if kind == UInt8(ascii: "x"),
                let byte = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16)
            {
                rest = rest.dropFirst(2)
                bytes.append(byte)
            } else {
                throw failure("a string has an unknown escape")
            }
        }
        return bytes
    }

    /// A text in Python's raw-unicode-escape: Latin-1, in which `\uXXXX` and `\UXXXXXXXX` alone are
    /// escapes.
    private func unescaped(_ line: ArraySlice<UInt8>) throws(PickleError) -> String {
        var text = ""
        var rest = line
        while let next = rest.popFirst() {
            let digits = rest.first == UInt8(ascii: "u") ? 4 : 8
            guard next == UInt8(ascii: "\\"),
                rest.first == UInt8(ascii: "u") || rest.first == UInt8(ascii: "U")
            else {
                text.unicodeScalars.append(Unicode.Scalar(next))
                continue
            }
            let code = String(decoding: rest.dropFirst().prefix(digits), as: UTF8.self)
            guard code.utf8.count == digits, let scalar = UInt32(code, radix: 16).flatMap(Unicode.Scalar.init)
            else {
                throw failure("a text has a damaged escape")
            }
            text.unicodeScalars.append(scalar)
            rest = rest.dropFirst(1 + digits)
        }
        return text
    }
}
