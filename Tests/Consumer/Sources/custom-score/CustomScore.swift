import T2FNorm

/// Ranks images by a score of this program's own: the largest logit minus the second largest.
@main struct CustomScore {
    private static let margin = ScoreDefinition(
        name: "margin", summary: "the largest logit minus the second largest", citation: "this file"
    ) { _, logits in
        var (first, second) = (-Float.infinity, -Float.infinity)
        for k in logits.indices {
            (first, second) = logits[k] > first ? (logits[k], first) : (first, max(second, logits[k]))
        }
        return Double(first - second)
    }

    static func main() throws {
        let paths = CommandLine.arguments.dropFirst()
        let model = try ScoringModel(checkpoint: paths[1])
        let scores = try ScoreCatalogue.standard.adding(margin)
        let confidences = try paths.dropFirst().map { path in
            let dataset = try PackedDataset(path: path)
            let images = try (0..<dataset.count).map { try dataset.image(of: $0) }
            return try model.confidences(of: images, by: scores.score("margin"))
        }
        let metrics = try RankingMetrics(inDistribution: confidences[0], outOfDistribution: confidences[1])
        print("margin", 100 * metrics.areaUnderROC)
    }
}
