internal import Yams

/// Whether `text` is a number that YAML's versions read differently, or that nobody writes on
/// purpose: octal, hexadecimal, binary or base 60.
///
/// YAML 1.1 reads `010` as 8 and `1:30` as 90; YAML 1.2 reads them as 10 and as a text. Neither is
/// what a user of the other version means.
func isAmbiguousNumber(_ text: String) -> Bool {
    let digits = text.drop { $0 == "-" || $0 == "+" }
    guard let first = digits.first, first.isASCII, first.isNumber else { return false }
    if digits.contains(":") { return digits.allSatisfy { ":._".contains($0) || ($0.isASCII && $0.isNumber) } }
    guard first == "0", let second = digits.dropFirst().first else { return false }
    return "xXoObB_".contains(second) || (second.isASCII && second.isNumber)
}

extension Node {
    /// Whether the node, a default, is a number.
    var isNumber: Bool {
        scalar.map { ($0.style == .any || $0.style == .plain) && Double($0.string) != nil } ?? false
    }

    /// Whether the node, a default, is a text or one of a choice of names.
    var isText: Bool {
        guard let scalar, !isNumber else { return false }
        return Tag(.bool) != tag || scalar.style == .singleQuoted
    }

    /// The first number in a setting that should be decimal and is not.
    ///
    /// - Parameter defaults: The setting's default: a number or a list of them.
    func ambiguousNumber(against defaults: Node) -> String? {
        if let elements = sequence, let first = defaults.sequence?.first {
            return elements.lazy.compactMap { $0.ambiguousNumber(against: first) }.first
        }
        guard defaults.isNumber, let scalar, isAmbiguousNumber(scalar.string) else { return nil }
        return scalar.string
    }
}
