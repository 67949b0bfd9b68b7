import T2FNorm

@main struct Consumer {
    static func main() throws {
        let paths = CommandLine.arguments.dropFirst()
        let model = try ScoringModel(checkpoint: paths[1])
        let scores = try ScoreCatalogue.standard.adding(margin)
        for (title, score) in [("AUROC", ScoreDefinition.t2fnorm), ("margin", try scores.score("margin"))] {
            let confidences = try paths.dropFirst().map { path in
                let dataset = try PackedDataset(path: path)
                let images = try (0..<dataset.count).map { try dataset.image(of: $0) }
                return try model.confidences(of: images, by: score)
            }
            let metrics = try RankingMetrics(
                inDistribution: confidences[0], outOfDistribution: confidences[1])
            print(title, 100 * metrics.areaUnderROC)
        }
    }

    /// A score of this program's own.
    private static let margin = ScoreDefinition(
        name: "margin", summary: "the largest logit minus the second largest",
        citation: "Tests/Consumer, 2026"
    ) { _, logits in
        var (first, second) = (-Float.infinity, -Float.infinity)
        for k in logits.indices {
            if logits[k] > first {
                (first, second) = (logits[k], first)
            } else {
                second = max(second, logits[k])
            }
        }
        return Double(first - second)
    }
}
