import Foundation
import TestSupport

/// The stored properties of the configuration's types, as their source has them.
struct SettingSource {
    struct Setting {
        /// The full key, such as `optimizer.momentum`.
        var key: String
        /// The text of the comment above it.
        var documentation: String
    }

    /// In the order of the configuration.
    let settings: [Setting]

    init() throws {
        let folder = packageRoot.appending(path: "Sources/RunConfiguration")
        var types: [String: [(name: String, value: String, documentation: String)]] = [:]
        let files = try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
        for file in files where file.pathExtension == "swift" {
            var type = ""
            var comment: [String] = []
            for line in try String(contentsOf: file, encoding: .utf8).split(
                separator: "\n", omittingEmptySubsequences: false)
            {
                if let match = line.firstMatch(of: /^(?:package|public) struct (\w+)/) {
                    type = String(match.1)
                }
                if let match = line.firstMatch(of: /^    (?:package|public) var (\w+)[^={]*= (.*)$/) {
                    let text = comment.joined(separator: " ")
                    types[type, default: []].append((String(match.1), String(match.2), text))
                }
                let text = line.firstMatch(of: /^    \/\/\/ (.*)$/).map { String($0.1) }
                comment = text.map { comment + [$0] } ?? []
            }
        }
        settings = Self.settings(of: "RunConfiguration", in: types, below: "")
    }

    private static func settings(
        of type: String, in types: [String: [(name: String, value: String, documentation: String)]],
        below prefix: String
    ) -> [Setting] {
        (types[type] ?? []).flatMap { property in
            let key = prefix + property.name
            guard let group = property.value.firstMatch(of: /^(\w+Configuration)\(\)/) else {
                return [Setting(key: key, documentation: property.documentation)]
            }
            return settings(of: String(group.1), in: types, below: "\(key).")
        }
    }
}
