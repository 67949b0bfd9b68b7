import Foundation
import TestSupport

/// A container recipe in two stages: one that builds and one that runs.
enum ContainerRecipe: String, Sendable {
    case dockerfile = "Dockerfile"
    case apptainer = "t2fnorm.def"

    /// The text, with continuation lines joined.
    func text() throws -> String {
        let file = packageRoot.appending(path: "cluster/container/\(rawValue)")
        return try String(contentsOf: file, encoding: .utf8).replacingOccurrences(of: "\\\n", with: " ")
    }

    /// The files that it copies from the package's folder.
    func copiedSources() throws -> [String] {
        switch self {
        case .dockerfile:
            return try words(of: text(), after: "COPY").filter { !$0[0].hasPrefix("--from") }
                .flatMap { $0.dropLast() }
        case .apptainer:
            let section = try text().split(separator: "%files\n", maxSplits: 1).dropFirst().first ?? ""
            return section.split(separator: "\n", omittingEmptySubsequences: false)
                .prefix { !$0.isEmpty }.compactMap { $0.split(separator: " ").first.map(String.init) }
        }
    }

    /// The packages that each stage installs.
    func packages() throws -> [Set<String>] {
        try words(of: text(), after: "apt-get install").map { words in
            Set(words.prefix { $0 != "&&" }.filter { !$0.hasPrefix("--") })
        }
    }

    /// The words after `command` in each line that contains it.
    private func words(of text: String, after command: String) -> [[String]] {
        text.split(separator: "\n").filter { !$0.hasPrefix("#") }.compactMap { line in
            line.range(of: "\(command) ").map {
                line[$0.upperBound...].split(separator: " ").map(String.init)
            }
        }
    }

    /// Whether the package's folder is a git checkout, not an unpacked archive.
    static func isCheckout() async -> Bool {
        (try? await tracked(under: "Package.swift", ["--cached"])) == ["Package.swift"]
    }

    /// The files under `path` that git lists.
    static func tracked(under path: String, _ options: [String]) async throws -> [String] {
        try await Tool("git").output(["-C", packageRoot.path, "ls-files"] + options + ["--", path])
            .split(separator: "\n").map(String.init)
    }
}
