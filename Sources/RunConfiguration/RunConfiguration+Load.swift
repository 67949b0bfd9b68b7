internal import Yams

extension RunConfiguration {
    /// Reads and validates a configuration.
    ///
    /// - Parameters:
    ///   - files: YAML files, merged left to right over the defaults: mappings key by key, other values replaced.
    ///   - overrides: `key.key=value` each, set on top in order; the value is YAML.
    ///   - names: What networks and scores there are.
    /// - Throws: What cannot be used: a file, a line, or all settings that are unknown or of a wrong type or value.
    public static func load(
        files: [String], overrides: [String] = [], names: KnownNames
    ) throws(ConfigurationError) -> RunConfiguration {
        var tree = SettingTree()
        for file in files { try tree.merge(yaml: try textOfConfiguration(file), file: file) }
        for override in overrides { try tree.merge(override: override) }
        return try tree.configuration(names: names)
    }

    /// Reads and validates a configuration that was stored as `yaml`.
    ///
    /// - Parameters:
    ///   - file: Where the text is from, for errors.
    ///   - names: What networks and scores there are; `nil` leaves those names to the caller.
    public init(yaml: String, file: String, names: KnownNames? = nil) throws(ConfigurationError) {
        var tree = SettingTree()
        try tree.merge(yaml: yaml, file: file)
        self = try tree.configuration(names: names)
    }

    /// All settings, which load again to an equal configuration.
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

    /// The value of an override: of a setting that is a text the characters as they are, unless they are quoted; else YAML.
    ///
    /// A shell has taken off its quotes already, so `name=run #5` has no comment and `name=a: b` no mapping.
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

    /// The settings that were merged, checked.
    ///
    /// A setting that cannot be used is replaced by its default for the sake of those behind it.
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
    /// Without the spaces at its ends.
    fileprivate var trimmed: String {
        let front = drop { $0 == " " }
        return String(front.reversed().drop { $0 == " " }.reversed())
    }
}
