package import Inference
internal import Kernels
internal import Memory
internal import Networks
internal import Numerics
internal import Workers

extension ScoreDefinition {
    /// RankFeat: energy without the largest singular component of the last activation maps.
    public static let rankfeat = ScoreDefinition(
        "rankfeat", "energy of z of the last two stages' maps without their largest singular component",
        citation: "Song et al., NeurIPS 2022, arXiv 2209.08590, section 2",
        traits: ScoreTraits(
            passes: "1 more forward pass for each image scored, and 1 through the last stage alone")
    ) { _ in RankFeature() }
}

/// `rankfeat`: the energy of the logits after the largest rank-1 component is removed from
/// activation maps.
///
/// Song, Sebe, Wang: "RankFeat: Rank-1 feature removal for out-of-distribution detection", NeurIPS
/// 2022, arXiv 2209.08590, section 2. The logits are the mean of two: those of the last stage's
/// map, and those that the last stage computes from the map of the stage before, each map without
/// that component. The largest singular vectors are exact, as in the original by default.
package struct RankFeature: Score {
    package let probe: (any NetworkProbe)? = DeflatedEnergy()

    package init() {}

    package func evaluate(
        _ input: borrowing ScoreInput, confidences: inout MutableSpan<Double>,
        predictions: inout MutableSpan<Int32>
    ) { input.copyCaptured(into: &confidences, &predictions) }
}

private struct DeflatedEnergy: NetworkProbe {
    let key = "deflated energy"

    func values(
        of images: borrowing Buffer<Float>, _ input: borrowing ScoreInput, in network: InspectedNetwork
    ) throws -> [Float] {
        let (count, stages) = (input.count, network.classifier.stageCount)
        var maps = [[Float]](repeating: [], count: 2)
        _ = try network.classifier.features(images: images, network.context(count, .evaluation)) { layer in
            for (index, stage) in [stages, stages - 1].enumerated() where layer.kind == .stage(stage) {
                for sample in 0..<count { maps[index] += layer.map(ofSample: sample) }
            }
        }
        var logits = [Float](repeating: 0, count: count * input.head.classes)
        for (index, stage) in [stages, stages - 1].enumerated() {
            let (channels, positions) = network.classifier.mapShape(ofStage: stage)
            var map = Buffer(maps[index], default: 0)
            var span = map.mutableSpan
            network.pool.split(&span, every: positions * channels) { _, part in
                removeLargestComponent(&part, columns: channels)
            }
            let features = try network.classifier.features(
                ofMap: map, afterStage: stage, network.context(count, .evaluation))
            for (place, value) in network.logits(of: features).enumerated() { logits[place] += value / 2 }
        }
        var result: [Float] = []
        for start in stride(from: 0, to: logits.count, by: input.head.classes) {
            let row = logits.span.extracting(start..<start + input.head.classes)
            let predicted = indexOfMaximum(row)
            result += [
                row[predicted] + logarithm(exponentialSum(row, below: row[predicted])), Float(predicted),
            ]
        }
        return result
    }
}

/// Subtracts `σ u vᵀ` of the largest singular value. A matrix with a NaN or infinite value stays
/// unchanged.
///
/// - Parameter matrix: Shape `[rows, columns]`.
private func removeLargestComponent(_ matrix: inout MutableSpan<Float>, columns: Int) {
    let rows = matrix.count / columns
    var values = [Double](repeating: 0, count: matrix.count)
    for i in values.indices { values[i] = Double(matrix[i]) }
    guard values.allSatisfy(\.isFinite) else { return }
    // The eigenvectors of the smaller of `A Aᵀ` and `Aᵀ A` are the singular vectors of that side;
    // the matrix times these gives the other side's.
    let isWide = rows <= columns
    let size = isWide ? rows : columns
    var square = [Double](repeating: 0, count: size * size)
    for a in 0..<size {
        for b in a..<size {
            var sum = 0.0
            if isWide {
                for c in 0..<columns { sum += values[a * columns + c] * values[b * columns + c] }
            } else {
                for r in 0..<rows { sum += values[r * columns + a] * values[r * columns + b] }
            }
            square[a * size + b] = sum
            square[b * size + a] = sum
        }
    }
    guard let eigen = SymmetricEigenvectors(of: square, dimension: size) else {
        matrix.update(repeating: .nan)
        return
    }
    let vector = eigen.vectors[(size - 1) * size..<size * size].map(\.self)
    if isWide {
        for c in 0..<columns {
            var along = 0.0
            for r in 0..<rows { along += vector[r] * values[r * columns + c] }
            for r in 0..<rows { matrix[r * columns + c] = Float(values[r * columns + c] - vector[r] * along) }
        }
    } else {
        for r in 0..<rows {
            var along = 0.0
            for c in 0..<columns { along += vector[c] * values[r * columns + c] }
            for c in 0..<columns {
                matrix[r * columns + c] = Float(values[r * columns + c] - vector[c] * along)
            }
        }
    }
}
