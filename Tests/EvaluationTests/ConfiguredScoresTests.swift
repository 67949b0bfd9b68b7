import Detection
import Evaluation
import RunConfiguration
import Testing

/// `evaluation.scores` with settings of scores.
@Suite(.timeLimit(.minutes(30))) struct ConfiguredScoresTests {
    private func configuration(_ scores: String, _ more: [String] = []) throws -> RunConfiguration {
        try RunConfiguration.load(
            files: [], overrides: ["data.train=a", "evaluation.scores=\(scores)"] + more, names: .known)
    }

    @Test(arguments: [
        "[msp, {knn: {k: 200}}, knn]", "[msp, knn:k=200, knn]", "[msp, {knn: {k: 2e2}}, 'knn:k=50']",
    ])
    func settingsAreReadAsAMappingOrAText(scores: String) throws {
        let read = try configuration(scores, ["head.name=linear"])
        #expect(read.distinctScores.map(\.title) == ["msp", "knn:k=200", "knn"])
        let again = try RunConfiguration(yaml: read.yaml, file: "config.yml", names: .known)
        #expect(again == read)
    }

    @Test func twoSettingsAreReadInTheirOrder() throws {
        let read = try configuration("[{gen: {exponent: 0.5, count: 50}}, {fdbd: {divisor: norm}}]")
        #expect(read.distinctScores.map(\.title) == ["gen:exponent=0.5:count=50", "fdbd:divisor=norm"])
    }

    /// Scores without settings are written as before.
    @Test func namesAloneAreWrittenAsNames() throws {
        #expect(try configuration("[ebo, mls]").yaml.contains("  scores: [ebo, mls]\n"))
    }

    private static let wrong: [(String, String, String, String?)] = [
        ("[mps]", "mps", "one of msp, t2fnorm", "mls"), ("[{kn: {k: 2}}]", "kn:k=2", "one of msp", "knn"),
        ("[{react: {percentil: 90}}]", "react:percentil=90", "settings of react: percentile", "percentile"),
        ("[{knn: {k: 0}}]", "knn:k=0", "k=VALUE, where the value is a whole number from 1 to 1000000", nil),
        ("[{msp: {k: 2}}]", "msp:k=2", "msp without settings, as it has none", nil),
        ("[knn, {knn: {k: 50}}]", "[knn, knn:k=50]", "a list of different scores", nil),
        ("[{knn: 200}]", "[{knn: 200}]", "scores such as msp or {knn: {k: 200}}", nil),
        ("[{knn: {k: 2}, msp: {}}]", "[{knn: {k: 2}, msp: {}}]", "scores such as msp", nil),
    ]

    @Test(arguments: wrong)
    func whatIsWrongIsNamed(scores: String, found: String, expected: String, suggestion: String?) throws {
        let error = try #require(throws: ConfigurationError.self) { try configuration(scores) }
        #expect(error.key == "evaluation.scores" && error.exitCode == 2)
        #expect(error.found == found)
        #expect(error.expected.hasPrefix(expected), "\(error.expected)")
        #expect(error.suggestion == suggestion)
        #expect(error.others.isEmpty, "\(error)")
    }

    @Test func ofScoresWithSettingsTheDescriptionsAreTheDefinitions() throws {
        let read = try configuration("[{knn: {k: 200}}]")
        let scores = try ["knn:k=200", "openmax", "grood", "cfood"].map(ScoreCatalogue.standard.score)
        #expect(
            scores.map(read.scoreDescription) == [
                nil, "double precision", "records openOOD", "neighbours without the reference",
            ])
    }
}
