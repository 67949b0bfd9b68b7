/// The faults of a configuration, which are reported together in the order in which they are found.
struct ConfigurationFaults {
    /// The largest number of faults that are reported; a text with more is not a configuration.
    private static let limit = 12

    private var found: [ConfigurationError] = []

    var isEmpty: Bool { found.isEmpty }
    var isFull: Bool { found.count >= Self.limit }

    mutating func append(_ fault: ConfigurationError) {
        guard !isFull, !found.contains(fault) else { return }
        found.append(fault)
    }

    /// Adds a fault that was found after others, unless it may be their consequence.
    ///
    /// - Parameter replaced: Keys whose values were replaced to check the rest.
    mutating func append(_ fault: ConfigurationError, unlessOf replaced: Set<String>) {
        let isMeant = found.contains { $0.suggestion == fault.key }
        let isConsequence = replaced.contains { fault.expected.contains($0) }
        if isEmpty || !(isMeant || isConsequence) { append(fault) }
    }

    /// All faults as one error; `nil` if there are none.
    var error: ConfigurationError? {
        guard var first = found.first else { return nil }
        first.others = Array(found.dropFirst())
        return first
    }
}
