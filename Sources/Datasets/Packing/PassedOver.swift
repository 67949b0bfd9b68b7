internal import SystemPackage

/// The entries of a tree or an archive that are not packed, counted by reason.
package struct PassedOver: Equatable, Sendable {
    enum Reason: Int, CaseIterable, Sendable {
        case noImage, hidden, debris, link, dangling, circle, outside, replaced, special

        /// The text that follows a count of entries.
        var words: String {
            switch self {
            case .noImage: "not images"
            case .hidden: "hidden"
            case .debris: "left by other systems"
            case .link: "linking to others"
            case .dangling: "linking to nothing"
            case .circle: "linking to a folder that holds them"
            case .outside: "leading out of the archive"
            case .replaced: "replaced by a later one"
            case .special: "neither file nor folder"
            }
        }
    }

    private struct Group: Equatable {
        var count = 0
        var first: FilePath
    }

    private var groups: [Reason: Group] = [:]

    package init() {}

    package var count: Int { groups.values.reduce(0) { $0 + $1.count } }

    mutating func add(_ path: FilePath, _ reason: Reason) {
        groups[reason, default: Group(first: path)].count += 1
    }

    /// Whether an archive's entry is a visible file; if not, it is added, unless it is a folder.
    mutating func take(_ entry: ArchiveReader.Entry) -> Bool {
        switch entry.kind {
        case .folder: return false
        case .hardLink, .symbolicLink: add(entry.name, .link)
        case .other: add(entry.name, .special)
        case .file:
            if entry.name.isVisible { return true }
            add(entry.name, .hidden)
        }
        return false
    }

    /// Adds the entries of `others`, after those that are here already.
    mutating func add(_ others: PassedOver) {
        for (reason, group) in others.groups {
            groups[reason, default: Group(first: group.first)].count += group.count
        }
    }

    /// One line with the count and the first entry for each reason; empty if there are no entries.
    var notes: [String] {
        let parts = Reason.allCases.compactMap { reason in
            groups[reason].map { "\($0.count) \(reason.words) (\($0.first.text))" }
        }
        guard !parts.isEmpty else { return [] }
        return ["\(count) \(count == 1 ? "entry" : "entries") passed over: \(parts.joined(separator: ", "))"]
    }
}
