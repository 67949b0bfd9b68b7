package import Detection
internal import Foundation
internal import Reporting

/// The output of `score` for one image.
package struct ScoredImage: Encodable, Equatable {
    package enum Decision: String, Encodable {
        /// In-distribution: the score is at least the threshold.
        case inside = "in"
        case outside = "out"
        case unreadable
    }

    package var path: String
    /// The predicted class's name, or its number if names are unknown; `nil` without a classifier.
    package var className: String?
    /// The predicted class's softmax probability; `nil` without a classifier.
    package var confidence: Float?
    package var score: Number?
    package var decision: Decision
    /// Why the image could not be read.
    package var error: String?

    /// A score, printed with the digits of its precision.
    package enum Number: Encodable, Equatable, CustomStringConvertible {
        case single(Float)
        case double(Double)

        package init(_ value: Double, _ precision: ScorePrecision) {
            self = precision == .single ? .single(Float(value)) : .double(value)
        }

        package var description: String {
            switch self {
            case .single(let value): "\(value)"
            case .double(let value): "\(value)"
            }
        }

        package func encode(to encoder: any Encoder) throws {
            var container = encoder.singleValueContainer()
            switch self {
            case .single(let value): try container.encode(value)
            case .double(let value): try container.encode(value)
            }
        }
    }

    package enum CodingKeys: String, CodingKey {
        case path
        case className = "class"
        case confidence, score, decision, error
    }
}

/// The format of the images' lines.
package enum ScoreFormat: String, CaseIterable {
    case csv
    /// One JSON object per line.
    case jsonl

    /// The header above the lines; empty for JSON.
    package var header: String { self == .csv ? "path,class,confidence,score,decision\n" : "" }

    /// One image's line.
    package func line(_ image: ScoredImage) throws -> String {
        switch self {
        case .csv:
            let fields = [
                image.path, image.className ?? "", image.confidence.map { "\($0)" } ?? "",
                image.score?.description ?? "", image.decision.rawValue,
            ]
            return fields.map(csvField).joined(separator: ",") + "\n"
        case .jsonl:
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            return String(decoding: try encoder.encode(image), as: UTF8.self) + "\n"
        }
    }
}
