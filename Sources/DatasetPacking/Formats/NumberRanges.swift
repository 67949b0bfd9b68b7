/// A name with ranges of numbers in braces, as users of WebDataset write sets of shards:
/// `train-{000000..000146}.tar`.
struct NumberRanges {
    private struct Range {
        var first: Int
        var last: Int
        /// Digits of each number, filled up with zeros; 0 if no zeros are added.
        var width: Int
    }

    private let name: String
    /// The texts before, between and behind the ranges.
    private var texts: [Substring] = []
    private var ranges: [Range] = []

    /// `nil` if there is no range `{first..last}` of two numbers in the name; other braces are text.
    init?(_ name: String) {
        self.name = name
        var rest = name[...]
        var text = name.startIndex
        while let open = rest.firstIndex(of: "{") {
            rest = rest[rest.index(after: open)...]
            guard let close = rest.firstIndex(of: "}") else { break }
            guard let range = Self.range(rest[..<close]) else { continue }
            texts.append(name[text..<open])
            ranges.append(range)
            rest = rest[rest.index(after: close)...]
            text = rest.startIndex
        }
        guard !ranges.isEmpty else { return nil }
        texts.append(name[text...])
    }

    /// The names, in the order of the numbers; the last range varies fastest.
    ///
    /// - Throws: If there are more than `limit`, or a range runs downwards.
    func names(atMost limit: Int) throws(SourceOptionError) -> [String] {
        var count = 1
        for range in ranges {
            guard range.first <= range.last else {
                throw SourceOptionError(
                    "the range \(range.first)..\(range.last) in '\(name)' runs downwards: give the smaller number first"
                )
            }
            // Numbers have at most 18 digits, and the product stays below 100,000 times that.
            let (product, overflows) = count.multipliedReportingOverflow(by: range.last - range.first + 1)
            guard !overflows, product <= limit else {
                throw SourceOptionError(
                    "'\(name)' stands for more than \(limit) files: give a folder, or a smaller range")
            }
            count = product
        }
        var names = [String(texts[0])]
        for (range, text) in zip(ranges, texts.dropFirst()) {
            names = names.flatMap { start in
                (range.first...range.last).map { number in
                    let digits = "\(number)"
                    let zeros = String(repeating: "0", count: max(range.width - digits.utf8.count, 0))
                    return start + zeros + digits + text
                }
            }
        }
        return names
    }

    private static func range(_ text: Substring) -> Range? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, parts[1].isEmpty, let first = number(parts[0]), let last = number(parts[2])
        else { return nil }
        let isPadded = [parts[0], parts[2]].contains { $0.count > 1 && $0.first == "0" }
        return Range(first: first, last: last, width: isPadded ? max(parts[0].count, parts[2].count) : 0)
    }

    /// A number of 1 to 18 decimal digits.
    private static func number(_ digits: Substring) -> Int? {
        (1...18).contains(digits.count) && digits.utf8.allSatisfy { (0x30...0x39).contains($0) }
            ? Int(digits) : nil
    }
}
