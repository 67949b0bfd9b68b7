import Detection
import Foundation
import TestSupport
import Testing

/// `docs/scores.md` has the tables that the catalogue gives.
///
/// `T2FNORM_WRITE_SCORES=1` writes them.
@Suite(.timeLimit(.minutes(30))) struct ScoreDocumentationTests {
    private static let scores = ScoreCatalogue.standard.scores

    @Test func theTablesAreTheCatalogues() throws {
        let file = packageRoot.appending(path: "docs/scores.md")
        let text = try String(contentsOf: file, encoding: .utf8)
        var written = text
        for (header, rows) in [
            ("| name | confidence | default settings | fitted on | source |", Self.scores.map(Self.row)),
            (
                "| score | setting | default | values | tried by a search |",
                Self.scores.flatMap(Self.settingRows)
            ),
        ] {
            written = try Self.replacingTable(header, rows, in: written)
        }
        if ProcessInfo.processInfo.environment["T2FNORM_WRITE_SCORES"] == "1" {
            try Data(written.utf8).write(to: file)
        }
        let (found, expected) = (text.split(separator: "\n"), written.split(separator: "\n"))
        #expect(found.count == expected.count)
        for (found, expected) in zip(found, expected) where found != expected {
            Issue.record("docs/scores.md has the line\n\(found)\ninstead of\n\(expected)")
            break
        }
    }

    private static func row(_ score: ScoreDefinition) -> String {
        let settings = score.parameters.map {
            $0.standard == nil ? "`\($0.name)`: \($0.standardText)" : "`\($0.name)=\($0.standardText)`"
        }
        let sets: [(ScoreInputs, String)] = [
            (.trainingMean, "training mean"), (.trainingFeatures, "training"),
            (.validationFeatures, "validation"), (.outliers, "outlier validation"),
        ]
        let fitted = sets.filter { score.inputs.contains($0.0) }.map(\.1)
        return line([
            "`\(score.name)`", score.summary, settings.joined(separator: ", "),
            fitted.joined(separator: ", "),
            score.citation,
        ])
    }

    private static func settingRows(_ score: ScoreDefinition) -> [String] {
        score.parameters.map { parameter in
            line([
                "`\(score.name)`", "`\(parameter.name)`", parameter.standardText, parameter.range,
                parameter.tried.map(parameter.text).joined(separator: ", "),
            ])
        }
    }

    private static func line(_ cells: [String]) -> String {
        "|" + cells.map { $0.isEmpty ? " |" : " \($0.replacing("|", with: "\\|")) |" }.joined()
    }

    /// The text with other rows below a table's header.
    private static func replacingTable(_ header: String, _ rows: [String], in text: String) throws -> String {
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        let first = try #require(lines.firstIndex(of: header), "docs/scores.md has no table \(header)") + 2
        let end = lines[first...].firstIndex { !$0.hasPrefix("|") } ?? lines.endIndex
        lines.replaceSubrange(first..<end, with: rows)
        return lines.joined(separator: "\n")
    }
}
