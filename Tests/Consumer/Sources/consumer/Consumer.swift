import T2FNorm

@main struct Consumer {
    static func main() throws {
        let paths = CommandLine.arguments.dropFirst()
        let model = try ScoringModel(checkpoint: paths[1])
        let confidences = try paths.dropFirst().map { path in
            let dataset = try PackedDataset(path: path)
            let images = try (0..<dataset.count).map { try dataset.image(of: $0) }
            return try model.confidences(of: images, by: .t2fnorm)
        }
        let metrics = try RankingMetrics(inDistribution: confidences[0], outOfDistribution: confidences[1])
        print("AUROC", 100 * metrics.areaUnderROC)
    }
}
