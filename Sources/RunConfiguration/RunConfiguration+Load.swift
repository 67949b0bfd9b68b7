internal import Yams

extension RunConfiguration {
    /// Reads and validates a configuration.
    ///
    /// - Parameters:
    ///   - files: YAML files, merged left to right over the defaults: mappings key by key, other values replaced.
    ///   - overrides: `key.key=value` each, set on top in order; the value is YAML.
    ///   - names: What networks and scores there are.
    /// - Throws: The first thing that cannot be used: a file, a line, an unknown key, a type, a value.
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
        try merge(document) { ConfigurationError.Origin(file: file, line: $0.mark?.line) }
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
        var node = try composeConfiguration(String(parts[1]), file: origin.file)
        for key in path.reversed() { node = Node([(Node(String(key), Tag(.str)), node)]) }
        try merge(node) { _ in origin }
    }

    fileprivate func configuration(names: KnownNames?) throws(ConfigurationError) -> RunConfiguration {
        let configuration = try decode()
        do {
            try configuration.validate(names: names)
        } catch {
            throw located(error)
        }
        return configuration
    }
}
