/// The scores that are known, by their names.
///
/// A catalogue is a value: a program that adds scores of its own passes its catalogue on, and no
/// other part of the program, and no other thread, sees another list.
public struct ScoreCatalogue: Sendable {
    /// The scores of this package, in the order in which they are listed.
    public static let standard = ScoreCatalogue(scores: [
        .msp,
        .t2fnorm,
        .mls,
        .ebo,
        .gen,
        .mcm,
        .gradnorm,
        .ash,
        .ashB,
        .ashP,
        .ashS,
        .scale,
        .lts,
        .dice,
        .fdbd,
        .nci,
        .react,
        .vra,
        .tempScaling,
        .klm,
        .mds,
        .rmds,
        .ssd,
        .vim,
        .residual,
        .she,
        .knn,
        .nnguide,
        .relation,
        .openmax,
        .cfood,
        .grood,
        .dropout,
        .odin,
        .iodin,
        .adascaleA,
        .adascaleL,
        .rankfeat,
        .gram,
        .mdsEnsemble,
        .gmm,
        .ensemble,
    ])

    /// The scores, with their default settings.
    public let scores: [ScoreDefinition]

    /// The names of the scores.
    public var names: [String] { scores.map(\.name) }

    /// The catalogue with one more score at its end.
    ///
    /// - Throws: `ScoreError` if the name is taken, or is not of lower-case letters, digits and `_`.
    public func adding(_ score: ScoreDefinition) throws(ScoreError) -> ScoreCatalogue {
        guard !names.contains(score.name) else {
            throw ScoreError(found: score.name, expected: "a name that no other score has")
        }
        guard score.name.wholeMatch(of: /[a-z][a-z0-9_]*/) != nil else {
            throw ScoreError(
                found: score.name, expected: "a name of lower-case letters, digits and _, a letter first")
        }
        return ScoreCatalogue(scores: scores + [score])
    }

    /// The score of a name, with settings if some follow it: `knn`, `knn:k=200`, `vra:low=5:high=95`.
    ///
    /// - Throws: `ScoreError` with the known names, or with the allowed values.
    public func score(_ title: String) throws(ScoreError) -> ScoreDefinition {
        let parts = title.split(separator: ":", omittingEmptySubsequences: false)
        guard let score = scores.first(where: { $0.name == parts[0] }) else {
            throw ScoreError(
                found: title, expected: "one of \(names.joined(separator: ", "))",
                unknown: String(parts[0]), known: names)
        }
        return try score.with(texts: Array(parts.dropFirst()), found: title)
    }

    /// The scores that use features alone.
    package var ofFeatures: [ScoreDefinition] { scores.filter(\.needsNoClassifier) }
}
