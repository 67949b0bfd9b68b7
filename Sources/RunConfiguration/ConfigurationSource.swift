/// Where a run's configuration comes from: files, settings on top of them, and the names that are
/// known.
package struct ConfigurationSource {
    /// YAML files; a later one overrides an earlier one.
    package var files: [String]
    /// `key.key=value` each, on top of the files.
    package var overrides: [String]
    private let names: KnownNames?
    private let notice: (RenamedSettings) -> Void

    /// - Parameters:
    ///   - names: The known networks and scores; `nil` leaves the check of their names to the
    ///     caller.
    ///   - notice: Receives the settings that are given by names of an earlier version.
    package init(
        files: [String] = [], overrides: [String] = [], names: KnownNames?,
        notice: @escaping (RenamedSettings) -> Void = { _ in }
    ) {
        self.files = files
        self.overrides = overrides
        self.names = names
        self.notice = notice
    }

    /// The validated configuration.
    package func load() throws(ConfigurationError) -> RunConfiguration {
        try RunConfiguration.load(files: files, overrides: overrides, names: names, notice: notice)
    }

    /// Whether an override gives a setting, alone or with its whole section.
    package func overrides(_ key: String) -> Bool {
        let section = key.prefix { $0 != "." }
        return overrides.contains { $0.hasPrefix(key + "=") || $0.hasPrefix(section + "=") }
    }
}
