internal import Yams

/// Settings that one place gives by the names of an earlier version; they are read as if they had
/// their current names.
package struct RenamedSettings: Equatable, Sendable, CustomStringConvertible {
    /// The name of the file, or `--set`.
    package let place: String
    /// The old and the new name of each, such as `training.lane is training.microbatch now`.
    package let names: [String]

    package var description: String { "\(place) uses earlier names: \(names.joined(separator: ", "))" }
}

/// A setting, or a value of one, that had another name in an earlier version.
struct RenamedSetting {
    let section: String
    let oldKey: String
    /// The values that only the old setting has; `nil` if any value is the old setting's.
    var oldValues: [String]?
    let newKey: String
    /// The new name of an old value; `nil` if the value has kept its name.
    var newValue: String?

    static let all = [
        RenamedSetting(section: "training", oldKey: "lane", newKey: "microbatch"),
        RenamedSetting(
            section: "optimizer", oldKey: "schedule", oldValues: ["step", "epoch"], newKey: "scheduleInterval"
        ),
        RenamedSetting(
            section: "compute", oldKey: "convolution", oldValues: ["measured"], newKey: "convolution",
            newValue: "autotune"),
    ]

    var oldName: String { "\(section).\(oldKey)" }
    var newName: String { "\(section).\(newKey)" }

    /// Whether `key` with `value`, in the setting's section, is the old setting.
    func isMeant(by key: Node, _ value: Node) -> Bool {
        guard key.scalar?.string == oldKey else { return false }
        guard let oldValues else { return true }
        return value.scalar.map { oldValues.contains($0.string) } ?? false
    }

    /// The old and the new name of the setting, with the old and the new value if the value
    /// identifies the old setting.
    func notice(_ value: Node) -> String {
        guard oldValues != nil else { return "\(oldName) is \(newName) now" }
        let value = value.brief
        return "\(oldName): \(value) is \(newName): \(newValue ?? value) now"
    }
}

/// Translates the names of earlier versions in the documents of one place: a file, or all `--set`.
struct SettingNames {
    /// The old and the new name of each setting that was given by its old name, in order of
    /// appearance.
    private(set) var notices: [String] = []
    /// The new names of settings that were given by their old names, and of renamed settings that
    /// were given by their new names.
    private var old: Set<String> = []
    private var new: Set<String> = []

    /// The document with current names; every key keeps its place.
    ///
    /// - Parameters:
    ///   - origin: Returns where a key was written, from its node.
    ///   - refuse: Receives the error of a setting that has both names; the old one is left out.
    mutating func translate(
        _ document: Node, origin: (Node) -> ConfigurationError.Origin, refuse: (ConfigurationError) -> Void
    ) -> Node {
        guard case .mapping(let sections) = document else { return document }
        let renamed = RenamedSetting.all.filter { setting in
            sections.contains { $0.key.scalar?.string == setting.section }
        }
        guard !renamed.isEmpty else { return document }
        let pairs = sections.map { key, content in
            let own = renamed.filter { $0.section == key.scalar?.string }
            return (key, translate(content, own, origin: origin, refuse: refuse))
        }
        return .mapping(Node.Mapping(pairs, sections.tag, sections.style, sections.mark))
    }

    private mutating func translate(
        _ section: Node, _ renamed: [RenamedSetting], origin: (Node) -> ConfigurationError.Origin,
        refuse: (ConfigurationError) -> Void
    ) -> Node {
        guard case .mapping(let settings) = section, !renamed.isEmpty else { return section }
        for setting in renamed where setting.newKey != setting.oldKey {
            if settings.contains(where: { $0.key.scalar?.string == setting.newKey }) {
                new.insert(setting.newName)
            }
        }
        var pairs: [(Node, Node)] = []
        for (key, value) in settings {
            guard let setting = renamed.first(where: { $0.isMeant(by: key, value) }) else {
                pairs.append((key, value))
                continue
            }
            guard !new.contains(setting.newName) else {
                refuse(setting.beside(origin(key)))
                continue
            }
            if setting.newKey != setting.oldKey { old.insert(setting.newName) }
            let notice = setting.notice(value)
            if !notices.contains(notice) { notices.append(notice) }
            pairs.append((key.named(setting.newKey), setting.newValue.map(value.named) ?? value))
        }
        // An earlier `--set` used the old name.
        for setting in renamed where old.contains(setting.newName) && new.contains(setting.newName) {
            refuse(setting.beside(origin(section)))
        }
        return .mapping(Node.Mapping(pairs, settings.tag, settings.style, settings.mark))
    }
}

extension RenamedSetting {
    fileprivate func beside(_ origin: ConfigurationError.Origin) -> ConfigurationError {
        ConfigurationError(
            key: oldName, found: "given beside \(newName), its new name", expected: "one of the two",
            origin: origin)
    }
}

extension Node {
    /// The scalar with another text, in the same place.
    fileprivate func named(_ text: String) -> Node {
        .scalar(Node.Scalar(text, .implicit, .plain, scalar?.mark))
    }
}

extension RunConfiguration {
    /// The current name of a setting, given that name or the name of an earlier version.
    package static func currentKey(_ key: String) -> String {
        RenamedSetting.all.first { $0.oldName == key && $0.oldValues == nil }?.newName ?? key
    }
}
