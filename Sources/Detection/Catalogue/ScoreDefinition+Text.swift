extension ScoreDefinition {
    /// The score with settings as they are written, such as `k=200`.
    ///
    /// - Parameter found: The whole text, for errors.
    /// - Throws: `ScoreError` for an unknown setting, a value that is not allowed, or a setting that
    ///   occurs twice.
    func with(texts: [Substring], found: String) throws(ScoreError) -> ScoreDefinition {
        var settings: [ScoreSetting] = []
        for text in texts {
            let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let parameter = parameters.first(where: { $0.name == parts[0] }) else {
                throw unknownSetting(String(parts[0]), found: found)
            }
            guard parts.count == 2, let value = parameter.value(of: String(parts[1])) else {
                throw ScoreError(
                    found: found,
                    expected: "\(parameter.name)=VALUE, where the value is \(parameter.range)")
            }
            guard !settings.contains(where: { $0.parameter.name == parameter.name }) else {
                throw ScoreError(found: found, expected: "\(parameter.name) once")
            }
            settings.append(ScoreSetting(parameter, value))
        }
        guard areAscending(settings) else {
            let names = traits.ascending.map { "\($0.low) below \($0.high)" } ?? ""
            throw ScoreError(found: found, expected: names)
        }
        return with(settings)
    }

    private func unknownSetting(_ name: String, found: String) -> ScoreError {
        let known = parameters.map(\.name)
        return ScoreError(
            found: found,
            expected: known.isEmpty
                ? "\(self.name) without settings, as it has none"
                : "settings of \(self.name): \(known.joined(separator: ", "))",
            unknown: name, known: known)
    }
}
