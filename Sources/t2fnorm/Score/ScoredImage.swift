import ArgumentParser
import Foundation
import Reporting

/// What `score` says of one image.
struct ScoredImage: Encodable, Equatable {
    enum Decision: String, Encodable {
        /// In distribution: the score is the threshold at least.
        case inside = "in"
        case outside = "out"
        case unreadable
    }

    var path: String
    /// The predicted class's name, or its number where names are not known; `nil` without a classifier.
    var className: String?
    /// The predicted class's softmax probability; `nil` without a classifier.
    var confidence: Float?
    var score: Float?
    var decision: Decision
    /// Why the image could not be read.
    var error: String?

    enum CodingKeys: String, CodingKey {
        case path
        case className = "class"
        case confidence, score, decision, error
    }
}

/// How the images' lines are written.
enum ScoreFormat: String, CaseIterable, ExpressibleByArgument {
    case csv
    /// One JSON object a line.
    case jsonl

    /// What stands above the lines.
    var header: String { self == .csv ? "path,class,confidence,score,decision\n" : "" }

    /// One image's line.
    func line(_ image: ScoredImage) throws -> String {
        switch self {
        case .csv:
            let number = { (value: Float?) in value.map { "\($0)" } ?? "" }
            let fields = [
                image.path, image.className ?? "", number(image.confidence), number(image.score),
                image.decision.rawValue,
            ]
            return fields.map(csvField).joined(separator: ",") + "\n"
        case .jsonl:
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            return String(decoding: try encoder.encode(image), as: UTF8.self) + "\n"
        }
    }
}
