package import SystemPackage

/// The entries of a tree or an archive that are not packed, counted by reason.
package struct SkippedEntries: Equatable, Sendable {
    package enum Reason: Int, CaseIterable, Sendable {
        case noImage, hidden, metadataFolder, link, dangling, circle, outside, replaced, special

        /// The text that follows a count of entries.
        var words: String {
            switch self {
            case .noImage: "not images"
            case .hidden: "hidden"
            case .metadataFolder: "left by other systems"
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

    package mutating func add(_ path: FilePath, _ reason: Reason) {
        groups[reason, default: Group(first: path)].count += 1
    }

    /// Adds the entries of `others`, after those that are here already.
    package mutating func add(_ others: SkippedEntries) {
        for (reason, group) in others.groups {
            groups[reason, default: Group(first: group.first)].count += group.count
        }
    }

    /// One line with the count and the first entry for each reason; empty if there are no entries.
    package var notes: [String] {
        let parts = Reason.allCases.compactMap { reason in
            groups[reason].map { "\($0.count) \(reason.words) (\($0.first.text))" }
        }
        guard !parts.isEmpty else { return [] }
        return ["\(count) \(count == 1 ? "entry" : "entries") passed over: \(parts.joined(separator: ", "))"]
    }
}
