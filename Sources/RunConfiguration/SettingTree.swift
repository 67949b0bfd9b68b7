internal import Yams

/// Settings as they were written, merged over the defaults, and the origin of each one.
struct SettingTree {
    private let defaults = node(of: RunConfiguration())
    private var merged = node(of: RunConfiguration())
    private var origins: [String: ConfigurationError.Origin] = [:]
    /// The faults of the documents so far.
    private(set) var faults = ConfigurationFaults()
    /// The place that the current documents are from, and the names in them.
    private var place = (name: "", settings: SettingNames())
    private var earlierPlaces: [RenamedSettings] = []

    /// The settings that were given by names of an earlier version, by place.
    var renamedSettings: [RenamedSettings] {
        let names = place.settings.notices
        return earlierPlaces + (names.isEmpty ? [] : [RenamedSettings(place: place.name, names: names)])
    }

    /// Starts the documents of the place `name`, in which no setting may have both an old and a new
    /// name.
    mutating func begin(_ name: String) {
        earlierPlaces = renamedSettings
        place = (name, SettingNames())
    }

    /// Merges a document: mappings key by key; any other value replaces the previous one. Appends
    /// its faults to `faults`.
    ///
    /// An empty mapping (`{}`) empties a mapping that takes any key, and leaves others unchanged.
    ///
    /// - Parameter origin: Returns where a key was written, from its node.
    mutating func merge(_ document: Node, origin: (Node) -> ConfigurationError.Origin) {
        if document.isNull { return }
        var found: [ConfigurationError] = []
        let document = place.settings.translate(document, origin: origin) { found.append($0) }
        for fault in found { faults.append(fault) }
        merged = merge(document, onto: merged, defaults, path: [], origin: origin)
    }

    private mutating func merge(
        _ node: Node, onto base: Node, _ defaults: Node, path: [String],
        origin: (Node) -> ConfigurationError.Origin
    ) -> Node {
        let key = path.joined(separator: ".")
        guard case .mapping(let pairs) = node, case .mapping = defaults else {
            guard defaults.mapping == nil && !node.isNull else {
                let known = defaults.keys.isEmpty ? "" : " of \(defaults.keys.joined(separator: ", "))"
                faults.append(
                    ConfigurationError(
                        key: path.isEmpty ? "the document" : key,
                        found: node.isNull ? "empty" : node.brief,
                        expected: defaults.mapping == nil ? "a value" : "a mapping\(known)",
                        origin: origins[key] ?? origin(node)))
                return base
            }
            guard let number = node.ambiguousNumber(against: defaults) else { return node }
            faults.append(
                ConfigurationError(
                    key: key, found: number,
                    expected:
                        "a decimal number without leading zeros (YAML 1.1 takes this for octal or base 60)",
                    origin: origins[key] ?? origin(node)))
            return base
        }
        let takesAnyKey = defaults.mapping?.isEmpty == true
        var result = base.mapping.map { $0.map { ($0.key, $0.value) } } ?? []
        var places = Dictionary(
            result.indices.map { (result[$0].0.scalar?.string ?? result[$0].0.brief, $0) },
            uniquingKeysWith: { first, _ in first })
        for (keyNode, value) in pairs {
            let name = keyNode.scalar?.string ?? keyNode.brief
            let inner = path + [name]
            guard let known = takesAnyKey ? Self.anyText : defaults.value(of: name) else {
                if !faults.isFull {
                    faults.append(unknownKey(inner, known: defaults.keys, origin: origin(keyNode)))
                }
                continue
            }
            origins[inner.joined(separator: ".")] = origin(keyNode)
            let place = places[name]
            let merged = merge(
                value, onto: place.map { result[$0].1 } ?? Node(""), known, path: inner, origin: origin)
            if let place {
                result[place].1 = merged
            } else {
                places[name] = result.count
                result.append((Node(name), merged))
            }
        }
        if pairs.isEmpty { return takesAnyKey ? defaults : base }
        return Node(result, .implicit, .block)
    }

    /// The default of a key in a mapping that takes any key.
    private static var anyText: Node { Node("") }

    /// The default of the setting at `path`; `nil` if there is none.
    func defaultValue(at path: [String]) -> Node? {
        var node = defaults
        for key in path {
            if node.mapping?.isEmpty == true { return Self.anyText }
            guard let value = node.value(of: key) else { return nil }
            node = value
        }
        return node
    }

    /// Replaces a faulty setting by its default, or a missing text by a placeholder, so that the
    /// rest can be checked.
    ///
    /// - Returns: Whether anything changed.
    mutating func replaceUnusable(_ key: String) -> Bool {
        let path = Self.path(of: key, in: defaults)
        guard !path.isEmpty, let standard = defaultValue(at: path) else { return false }
        let replacement = standard.scalar?.string.isEmpty == true ? Node("-replaced-") : standard
        guard
            path.reduce(Optional(merged), { $0?.value(of: $1) })?.brief != standard.brief
                || replacement != standard
        else { return false }
        merged = merged.replacing(path[...], by: replacement)
        return true
    }

    /// The path of the setting that `key` names or lies in.
    private static func path(of key: String, in defaults: Node) -> [String] {
        var (path, node) = ([String](), defaults)
        for part in key.split(separator: ".").map(String.init) {
            guard let value = node.value(of: part) else { break }
            path.append(part)
            node = value
        }
        return path
    }

    private func unknownKey(
        _ path: [String], known: [String], origin: ConfigurationError.Origin
    ) -> ConfigurationError {
        let section = path.dropLast()
        let name = path.last ?? ""
        let elsewhere = paths(of: name, in: defaults, below: [])
        let near = nearestName(to: name, among: known).map { section + [$0] }
        let place = section.isEmpty ? "" : " in \(section.joined(separator: "."))"
        return ConfigurationError(
            key: path.joined(separator: "."), found: "unknown",
            expected: "one of the keys\(place): \(known.joined(separator: ", "))",
            suggestion: (elsewhere.first ?? near.map(Array.init))?.joined(separator: "."), origin: origin)
    }

    /// The paths of the keys that are called `name`.
    private func paths(of name: String, in node: Node, below path: [String]) -> [[String]] {
        node.keys.flatMap { key in
            (key == name ? [path + [key]] : [])
                + paths(of: name, in: node.value(of: key) ?? Node(""), below: path + [key])
        }
    }

    /// Decodes the merged settings.
    func decode() throws(ConfigurationError) -> RunConfiguration {
        do {
            return try YAMLDecoder().decode(RunConfiguration.self, from: merged)
        } catch let error as UnknownChoice {
            throw wrong(
                error.codingPath, expected: "one of \(error.known.joined(separator: ", "))",
                suggestion: nearestName(to: error.found, among: error.known))
        } catch DecodingError.typeMismatch(let type, let context) {
            throw wrong(context.codingPath, expected: expectation(of: type))
        } catch DecodingError.valueNotFound(let type, let context) {
            throw wrong(context.codingPath, expected: expectation(of: type))
        } catch {
            throw ConfigurationError(
                key: "the configuration", found: "unreadable (\(error))", expected: "settings")
        }
    }

    private func wrong(
        _ codingPath: [any CodingKey], expected: String, suggestion: String? = nil
    ) -> ConfigurationError {
        let path = codingPath.filter { $0.intValue == nil }.map(\.stringValue)
        let found = path.reduce(Optional(merged)) { $0?.value(of: $1) }
        return located(
            ConfigurationError(
                key: path.joined(separator: "."), found: found?.brief ?? "empty", expected: expected,
                suggestion: suggestion))
    }

    /// The error with the origin of its key; `nil` if the key was not written.
    func located(_ error: ConfigurationError) -> ConfigurationError {
        var located = error
        located.origin = origins[error.key]
        return located
    }
}

/// The description of a setting's type for a user.
private func expectation(of type: any Any.Type) -> String {
    if type == Double.self { return "a number" }
    if type == ScoreEntry.self { return "scores such as msp or {knn: {k: 200}}" }
    if type == Bool.self { return "true or false" }
    if type == UInt64.self { return "a whole number from 0" }
    if type is any BinaryInteger.Type { return "a whole number" }
    if type == Node.Sequence.self { return "a list such as [1, 2, 3]" }
    if type == Node.Mapping.self { return "a mapping" }
    return "one value"
}
