/// A setting of a score: its name, its default, and the values that it may have.
package struct ScoreParameter: Sendable {
    /// The values that a setting may have.
    package enum Values: Equatable, Sendable {
        case whole(ClosedRange<Int>)
        case real(ClosedRange<Double>)
        /// Words; a value is the index of one of them.
        case words([String])
    }

    /// The name on the command line and in configurations, without blanks.
    package let name: String
    /// The name in the lines and files of a search.
    package let label: String
    /// The default; `nil` if it depends on the fit.
    package let standard: Double?
    /// The default in words, if it depends on the fit.
    private let automatic: String
    package let values: Values
    /// The values that OpenOOD's search tries, in its order; empty if it tries none.
    package let tried: [Double]
    /// Whether a tried value is small enough for the classifier and the sets. Collective.
    private let fits: @Sendable (Double, FitContext) throws -> Bool

    private init(
        _ name: String, _ standard: Double?, _ values: Values, label: String?, tried: [Double],
        automatic: String = "",
        fits: @escaping @Sendable (Double, FitContext) throws -> Bool = { _, _ in true }
    ) {
        self.name = name
        self.standard = standard
        self.values = values
        self.label = label ?? name
        self.tried = tried
        self.automatic = automatic
        self.fits = fits
    }

    /// A whole number.
    static func whole(
        _ name: String, _ standard: Int, in range: ClosedRange<Int>, label: String? = nil,
        tried: [Double] = [], fits: @escaping @Sendable (Double, FitContext) throws -> Bool = { _, _ in true }
    ) -> ScoreParameter {
        ScoreParameter(name, Double(standard), .whole(range), label: label, tried: tried, fits: fits)
    }

    /// A whole number whose default depends on the fit.
    ///
    /// - Parameter automatic: The default in words.
    static func whole(
        _ name: String, automatic: String, in range: ClosedRange<Int>, tried: [Double] = [],
        fits: @escaping @Sendable (Double, FitContext) throws -> Bool = { _, _ in true }
    ) -> ScoreParameter {
        ScoreParameter(
            name, nil, .whole(range), label: nil, tried: tried, automatic: automatic, fits: fits)
    }

    /// A number.
    static func real(
        _ name: String, _ standard: Double, in range: ClosedRange<Double>, label: String? = nil,
        tried: [Double] = []
    ) -> ScoreParameter {
        ScoreParameter(name, standard, .real(range), label: label, tried: tried)
    }

    /// A percentage of the features, 0 to 100.
    static func percentile(
        _ standard: Double, name: String = "percentile", label: String? = nil, tried: [Double] = []
    ) -> ScoreParameter {
        real(name, standard, in: 0...100, label: label, tried: tried)
    }

    /// One of some words, the first by default.
    ///
    /// - Parameter isTried: Whether a search tries all of them.
    static func words(
        _ name: String, _ words: [String], label: String? = nil, isTried: Bool = false
    ) -> ScoreParameter {
        ScoreParameter(
            name, 0, .words(words), label: label, tried: isTried ? words.indices.map(Double.init) : [])
    }

    /// The tried values that suit the classifier and the sets. Collective if the setting is.
    func triedValues(_ fit: FitContext) throws -> [Double] { try tried.filter { try fits($0, fit) } }

    /// A value as it is written.
    package func text(_ value: Double) -> String {
        if case .words(let words) = values { return words[Int(value)] }
        return value == value.rounded() ? String(Int(value)) : String(value)
    }

    /// The default as it is written, or in words if it depends on the fit.
    package var standardText: String { standard.map(text) ?? automatic }

    /// The value that is written as `text`; `nil` if it is not allowed.
    package func value(of text: String) -> Double? {
        switch values {
        case .words(let words): words.firstIndex(of: text).map(Double.init)
        case .whole, .real: decimalNumber(text).flatMap { allows($0) ? $0 : nil }
        }
    }

    /// Whether a value is allowed.
    package func allows(_ value: Double) -> Bool {
        switch values {
        case .words(let words): words.indices.map(Double.init).contains(value)
        case .whole(let range): Int(exactly: value).map(range.contains) ?? false
        case .real(let range): range.contains(value)
        }
    }

    /// The allowed values, in words.
    package var range: String {
        switch values {
        case .words(let words): words.joined(separator: " or ")
        case .whole(let range): "a whole number from \(range.lowerBound) to \(range.upperBound)"
        case .real(let range): "a number from \(text(range.lowerBound)) to \(text(range.upperBound))"
        }
    }
}

/// The number that `text` is in decimal notation, without leading zeros; `nil` if it is none.
private func decimalNumber(_ text: String) -> Double? {
    let digits = text.drop { $0 == "-" || $0 == "+" }
    guard let first = digits.first, first == "." || first.isASCII && first.isNumber,
        digits.allSatisfy({ "0123456789.eE+-".contains($0) }),
        !(first == "0" && (digits.dropFirst().first?.isNumber ?? false)),
        let value = Double(text), value.isFinite
    else { return nil }
    return value
}
