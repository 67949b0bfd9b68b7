/// Writes the few opcodes of pickle protocol 2 that a state dictionary needs.
struct PickleWriter {
    private(set) var bytes: [UInt8] = [0x80, 2]

    mutating func mark() { add("(") }
    mutating func tuple() { add("t") }
    mutating func emptyTuple() { add(")") }
    mutating func emptyDictionary() { add("}") }
    /// Calls a class or function with a tuple.
    mutating func reduce() { add("R") }
    /// Sets the keys and values after the mark.
    mutating func setItems() { add("u") }
    /// Refers to an object outside the pickle by its persistent id.
    mutating func persistent() { add("Q") }
    mutating func stop() { add(".") }
    mutating func setFalse() { bytes.append(0x89) }

    mutating func global(_ module: String, _ name: String) {
        add("c\(module)\n\(name)\n")
    }

    mutating func text(_ text: String) {
        add("X")
        append(UInt32(text.utf8.count))
        add(text)
    }

    /// - Precondition: `value` is from 0 to 2³¹ − 1.
    mutating func integer(_ value: Int) {
        precondition((0...Int(Int32.max)).contains(value), "\(value) is no size of a tensor")
        if value < 256 {
            add("K")
            bytes.append(UInt8(value))
        } else {
            add("J")
            append(UInt32(value))
        }
    }

    mutating func integers(_ values: [Int]) {
        mark()
        for value in values { integer(value) }
        tuple()
    }

    private mutating func add(_ text: String) { bytes += text.utf8 }

    private mutating func append(_ value: UInt32) {
        bytes.appendLittleEndian(UInt64(value), byteCount: 4)
    }
}

extension [UInt8] {
    /// Appends the lowest `byteCount` bytes of a number in little-endian order.
    mutating func appendLittleEndian(_ value: UInt64, byteCount: Int) {
        for index in 0..<byteCount { append(UInt8(truncatingIfNeeded: value >> UInt64(8 * index))) }
    }
}
