internal import Yams

extension RunConfiguration {
    /// Reads and validates a configuration.
    ///
    /// - Parameters:
    ///   - files: YAML files, merged left to right over the defaults: mappings key by key, other
    ///     values replaced.
    ///   - overrides: `key.key=value` each, set on top in order; the value is YAML.
    ///   - names: The known networks and scores; `nil` leaves the check of their names to the
    ///     caller.
    ///   - notice: Receives the settings that a file, or `--set`, gives by names of an earlier
    ///     version; called once for each file and for `--set`.
    /// - Throws: The fault: a file, a line, or all settings that are unknown or of a wrong type or
    ///   value.
    package static func load(
        files: [String], overrides: [String] = [], names: KnownNames?,
        notice: (RenamedSettings) -> Void = { _ in }
    ) throws(ConfigurationError) -> RunConfiguration {
        var tree = SettingTree()
        for file in files {
            tree.begin(file)
            try tree.merge(yaml: try textOfConfiguration(file), file: file)
        }
        tree.begin("--set")
        for override in overrides { try tree.merge(override: override) }
        let configuration = try tree.configuration(names: names)
        tree.renamedSettings.forEach(notice)
        return configuration
    }

    /// Reads and validates a configuration that was stored as `yaml`.
    ///
    /// - Parameters:
    ///   - file: The origin of the text, for errors.
    ///   - names: The known networks and scores; `nil` leaves the check of their names to the
    ///     caller.
    ///   - notice: Receives the settings that the text gives by names of an earlier version; called
    ///     at most once.
    package init(
        yaml: String, file: String, names: KnownNames? = nil, notice: (RenamedSettings) -> Void = { _ in }
    ) throws(ConfigurationError) {
        var tree = SettingTree()
        tree.begin(file)
        try tree.merge(yaml: yaml, file: file)
        self = try tree.configuration(names: names)
        tree.renamedSettings.forEach(notice)
    }

    /// All settings as YAML, which loads again to an equal configuration.
    public var yaml: String {
        do {
            return try serialize(node: node(of: self), allowUnicode: true, sortKeys: false)
        } catch {
            preconditionFailure("settings that cannot be written: \(error)")
        }
    }
}

extension SettingTree {
    fileprivate mutating func merge(yaml: String, file: String) throws(ConfigurationError) {
        let document = try composeConfiguration(yaml, file: file)
        merge(document) { ConfigurationError.Origin(file: file, line: $0.mark?.line) }
    }

    fileprivate mutating func merge(override: String) throws(ConfigurationError) {
        let origin = ConfigurationError.Origin(file: "--set \(shortened(override, to: 120))")
        let parts = override.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        let path = parts[0].split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 2, !path.contains(where: \.isEmpty) else {
            throw ConfigurationError(
                key: "--set", found: "'\(override)'",
                expected: "key=value, for example optimizer.learningRate=0.05")
        }
        var node = try value(of: String(parts[1]), at: path.map(String.init), file: origin.file)
        for key in path.reversed() { node = Node([(Node(String(key), Tag(.str)), node)]) }
        merge(node) { _ in origin }
    }

    /// The value of an override: the plain characters for a text setting unless they are quoted,
    /// otherwise YAML.
    ///
    /// The shell has already removed its quotes, so `name=run #5` has no comment and `name=a: b` is
    /// not a mapping.
    private func value(
        of text: String, at path: [String], file: String
    ) throws(ConfigurationError) -> Node {
        let trimmed = text.drop { $0 == " " }
        guard defaultValue(at: path)?.isText == true, trimmed.first != "'", trimmed.first != "\"" else {
            return try composeConfiguration(text, file: file)
        }
        let plain = Node.Scalar(text.trimmed)
        return .scalar(text.trimmed.isEmpty ? Node.Scalar("", Tag(.str), .singleQuoted) : plain)
    }

    /// The merged and validated settings.
    ///
    /// A faulty setting is replaced by its default, so that the settings after it are checked too.
    fileprivate func configuration(names: KnownNames?) throws(ConfigurationError) -> RunConfiguration {
        var (tree, faults, replaced) = (self, self.faults, Set<String>())
        while !faults.isFull {
            do throws(ConfigurationError) {
                let configuration = try tree.decode()
                try tree.validate(configuration, names: names)
                guard faults.isEmpty else { break }
                return configuration
            } catch {
                faults.append(error, unlessOf: replaced)
                guard replaced.insert(error.key).inserted, tree.replaceUnusable(error.key) else { break }
            }
        }
        guard let error = faults.error else {
            preconditionFailure("a configuration is refused without a fault")
        }
        throw error
    }

    private func validate(
        _ configuration: RunConfiguration, names: KnownNames?
    ) throws(ConfigurationError) {
        do {
            try configuration.validate(names: names)
        } catch {
            throw located(error)
        }
    }
}

extension String {
    /// The string without leading and trailing spaces.
    fileprivate var trimmed: String {
        let front = drop { $0 == " " }
        return String(front.reversed().drop { $0 == " " }.reversed())
    }
}
