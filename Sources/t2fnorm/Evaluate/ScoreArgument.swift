import ArgumentParser
import Detection
import Evaluation

/// A score on the command line: its name, with settings if some follow it.
enum ScoreArgument {
    /// The names, as the help lists them.
    static var names: String { ScoreCatalogue.standard.names.joined(separator: ", ") }

    /// How settings are written.
    static let settingsHelp =
        "Settings follow the name, as in knn:k=200 or vra:low=5:high=95; docs/scores.md lists them."

    static var completion: CompletionKind { .list(ScoreCatalogue.standard.names) }

    /// The score that is written as `text`.
    ///
    /// - Throws: `ValidationError` with what is expected and the nearest known name.
    @Sendable static func score(_ text: String) throws -> ScoreDefinition {
        do {
            return try ScoreCatalogue.standard.score(text)
        } catch {
            let hint = error.suggestion.map { "; did you mean \($0)?" } ?? ""
            throw ValidationError("expected \(error.expected)\(hint)")
        }
    }
}
