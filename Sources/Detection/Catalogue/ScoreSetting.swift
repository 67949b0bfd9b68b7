/// A setting of a score and its value.
package struct ScoreSetting: Equatable, Sendable, CustomStringConvertible {
    package let parameter: ScoreParameter
    package let value: Double

    package init(_ parameter: ScoreParameter, _ value: Double) {
        self.parameter = parameter
        self.value = value
    }

    /// The setting as it is written on the command line, such as `k=200`.
    package var text: String { "\(parameter.name)=\(parameter.text(value))" }

    /// The setting in the words of a search, such as `neighbour 200`.
    package var description: String { "\(parameter.label) \(parameter.text(value))" }

    package static func == (left: ScoreSetting, right: ScoreSetting) -> Bool {
        left.parameter.name == right.parameter.name && left.value == right.value
    }
}

/// The values of all settings of a score, with which it is made.
package struct ScoreSettings: Sendable {
    private let settings: [ScoreSetting]

    /// - Parameter overrides: Settings instead of those of the definition.
    init(of score: ScoreDefinition, _ overrides: [ScoreSetting] = []) {
        settings = score.parameters.compactMap { parameter in
            (overrides + score.chosen).first { $0.parameter.name == parameter.name }
                ?? parameter.standard.map { ScoreSetting(parameter, $0) }
        }
    }

    /// A number.
    func real(_ name: String) -> Double { setting(name).value }

    /// A whole number.
    func whole(_ name: String) -> Int { Int(setting(name).value) }

    /// A word.
    func word(_ name: String) -> String {
        let setting = setting(name)
        return setting.parameter.text(setting.value)
    }

    /// A whole number; `nil` if it is left to the fit.
    func wholeIfChosen(_ name: String) -> Int? {
        settings.first { $0.parameter.name == name }.map { Int($0.value) }
    }

    private func setting(_ name: String) -> ScoreSetting {
        guard let setting = settings.first(where: { $0.parameter.name == name }) else {
            preconditionFailure("no setting \(name) among \(settings.map(\.text))")
        }
        return setting
    }
}
