/// A set of processor numbers, written in the kernel's list format: `0-3,8`.
package struct ProcessorSet: Equatable, Sendable {
    package let numbers: Set<Int>

    /// More processors than any kernel supports; a file with a greater number is invalid.
    static let limit = 1 << 20

    package init(_ numbers: some Sequence<Int>) { self.numbers = Set(numbers) }

    /// Parses the kernel's list format; `nil` for any other text.
    package init?(_ text: some StringProtocol) {
        var numbers: Set<Int> = []
        for part in text.split(whereSeparator: { $0 == "," || $0.isWhitespace }) {
            let ends = part.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
            guard (1...2).contains(ends.count), let first = ends[0], let last = ends[ends.count - 1],
                (0..<Self.limit).contains(last), (0...last).contains(first)
            else { return nil }
            numbers.formUnion(first...last)
        }
        self.numbers = numbers
    }
}

extension ProcessorSet: CustomStringConvertible {
    package var description: String {
        var ranges: [ClosedRange<Int>] = []
        for number in numbers.sorted() {
            if let last = ranges.last, last.upperBound + 1 == number {
                ranges[ranges.count - 1] = last.lowerBound...number
            } else {
                ranges.append(number...number)
            }
        }
        return ranges.map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)" }
            .joined(separator: ",")
    }
}

extension ProcessorSet: Codable {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let set = ProcessorSet(text) else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "'\(text)' is no list of processors such as 0-3,8")
        }
        self = set
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
