/// What of a configuration cannot be used: all of it is told at once, in the order in which it is found.
struct ConfigurationFaults {
    /// Faults that are told in full; a text with more is no configuration.
    private static let limit = 12

    private var found: [ConfigurationError] = []

    var isEmpty: Bool { found.isEmpty }
    var isFull: Bool { found.count >= Self.limit }

    mutating func append(_ fault: ConfigurationError) {
        guard !isFull, !found.contains(fault) else { return }
        found.append(fault)
    }

    /// Adds a fault that came up after others, unless it may be their consequence.
    ///
    /// - Parameter replaced: Keys whose values were replaced to look at the rest.
    mutating func append(_ fault: ConfigurationError, unlessOf replaced: Set<String>) {
        let isMeant = found.contains { $0.suggestion == fault.key }
        let isConsequence = replaced.contains { fault.expected.contains($0) }
        if isEmpty || !(isMeant || isConsequence) { append(fault) }
    }

    /// All faults as one error; `nil` without any.
    var error: ConfigurationError? {
        guard var first = found.first else { return nil }
        first.others = Array(found.dropFirst())
        return first
    }
}
