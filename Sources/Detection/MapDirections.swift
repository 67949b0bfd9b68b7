internal import Cluster
internal import Kernels
internal import Networks

/// A stage's map as one row, shape `[N, positions · channels]`.
struct StageMap: Observation {
    let stage: Int

    var key: String { "map of stage \(stage)" }

    func values(
        of images: borrowing Buffer<Float>, _ input: borrowing ScoreInput, in network: InspectedNetwork
    ) throws -> [Float] {
        var result: [Float] = []
        let count = input.count
        _ = try network.classifier.features(images: images, network.pass(count, .evaluation)) { layer in
            guard layer.kind == .stage(stage) else { return }
            for sample in 0..<count { result += layer.map(ofSample: sample) }
        }
        return result
    }
}

/// The directions in which training images' maps of a stage vary most, about their mean.
///
/// Maps are too wide for a covariance: some drawn directions are multiplied with it round after round, each a pass over the images, and
/// made orthogonal in between. Halko, Martinsson, Tropp: "Finding structure with randomness", SIAM Review 53, 2011, arXiv 0909.4061,
/// algorithm 4.4.
struct MapDirections: Sendable {
    /// Maps a map less the mean to its coordinates.
    let map: LinearMap
    /// The coordinates of the rank's training images, with their labels.
    let training: FeatureShare

    /// Collective; goes through the training images `rounds + 1` times.
    ///
    /// - Parameters:
    ///   - count: Directions.
    ///   - more: Directions beside those that are iterated on and left out at the end.
    init(_ fit: ScoreFit, stage: Int, count: Int, more: Int, rounds: Int) throws {
        let (channels, positions) = fit.network.classifier.mapShape(ofStage: stage)
        let width = channels * positions
        var rows = drawnRows(count + more, width)
        var mean: [Double] = []
        for _ in 0..<rounds {
            (rows, mean) = try multiplied(rows, width: width, stage: stage, fit)
            makeOrthonormal(&rows, width: width)
        }
        let directions = stride(from: 0, to: rows.count, by: width).map { Array(rows[$0..<$0 + width]) }
        let sketch = LinearMap(directions: directions, origin: mean)
        let coordinates = try fit.trainingShare(of: Projection(map: sketch, stage: stage))
        let moments = try coordinates.moments(on: fit.communicator)
        let eigen = try eigenvectors(of: moments.covariance, dimension: directions.count, score: .gmm)
        // The last are the largest.
        let kept = (0..<count).map { index in
            let start = (directions.count - 1 - index) * directions.count
            return Array(eigen.vectors[start..<start + directions.count])
        }
        map = LinearMap(
            directions: kept.map { vector in
                var direction = [Double](repeating: 0, count: width)
                for (factor, row) in zip(vector, directions) {
                    for j in direction.indices { direction[j] += factor * row[j] }
                }
                return direction
            }, origin: mean)
        let turned = LinearMap(directions: kept, origin: [Double](repeating: 0, count: directions.count))
        training = coordinates.replacingFeatures(
            turned(coordinates.features.span).map { Float($0) }, dimension: count)
    }
}

/// The coordinates of a stage's map, shape `[N, R]`.
struct Projection: Observation {
    let map: LinearMap
    let stage: Int

    var key: String { "projection of stage \(stage)" }

    func values(
        of images: borrowing Buffer<Float>, _ input: borrowing ScoreInput, in network: InspectedNetwork
    ) throws -> [Float] {
        let maps = try StageMap(stage: stage).values(of: images, input, in: network)
        return map(maps.span).map { Float($0) }
    }
}

/// Rows of drawn numbers from −1 to 1, shape `[count, width]`.
private func drawnRows(_ count: Int, _ width: Int) -> [Double] {
    (0..<count).flatMap { row in
        var numbers = RandomStream(seed: 0, purpose: .projection, 0, row)
        return (0..<width).map { _ in Double(2 * numbers.uniform() - 1) }
    }
}

/// `rows` times the covariance of the training images' maps, and the maps' mean. Collective.
private func multiplied(
    _ rows: [Double], width: Int, stage: Int, _ fit: ScoreFit
) throws -> (rows: [Double], mean: [Double]) {
    let share = fit.training
    let count = rows.count / width
    let directions = rows.map { Float($0) }
    var sums = StreamedTreeSum(
        laneCount: (share.count + share.laneSize - 1) / share.laneSize, width: rows.count + width)
    var scratch = [Float](repeating: 0, count: matrixProductScratchCount)
    try fit.forEachTrainingObservation(StageMap(stage: stage)) { records, values in
        var scratch = scratch.mutableSpan
        for first in stride(from: 0, to: records.count, by: share.laneSize) {
            let samples = min(share.laneSize, records.count - first)
            let maps = values.span.extracting(first * width..<(first + samples) * width)
            var coordinates = [Float](repeating: 0, count: samples * count)
            var coordinateSpan = coordinates.mutableSpan
            matrixProduct(
                maps, .none, directions.span, .transposed, rows: samples, columns: count, inner: width,
                into: &coordinateSpan, scratch: &scratch)
            var products = [Float](repeating: 0, count: count * width)
            var productSpan = products.mutableSpan
            matrixProduct(
                coordinates.span, .transposed, maps, .none, rows: count, columns: width, inner: samples,
                into: &productSpan, scratch: &scratch)
            var sum = products.map { Double($0) } + [Double](repeating: 0, count: width)
            for sample in 0..<samples {
                for j in 0..<width { sum[rows.count + j] += Double(maps[sample * width + j]) }
            }
            sums.add(sum)
        }
    }
    let total = Double(try share.totalCount(on: fit.communicator))
    let sum = try sums.total(on: fit.communicator).map { $0 / total }
    let mean = Array(sum[rows.count...])
    var result = Array(sum[..<rows.count])
    for start in stride(from: 0, to: rows.count, by: width) {
        var along = 0.0
        for j in 0..<width { along += Double(directions[start + j]) * mean[j] }
        for j in 0..<width { result[start + j] -= along * mean[j] }
    }
    return (result, mean)
}

/// Makes rows orthogonal and of length 1, twice over for the rounding; rows that depend on those before them become 0.
private func makeOrthonormal(_ rows: inout [Double], width: Int) {
    for start in stride(from: 0, to: rows.count, by: width) {
        let length = norm(rows[start..<start + width])
        for _ in 0..<2 {
            for other in stride(from: 0, to: start, by: width) {
                var along = 0.0
                for j in 0..<width { along += rows[start + j] * rows[other + j] }
                for j in 0..<width { rows[start + j] -= along * rows[other + j] }
            }
        }
        let rest = norm(rows[start..<start + width])
        let factor = rest > 1e-6 * length ? 1 / rest : 0
        for j in start..<start + width { rows[j] *= factor }
    }
}

private func norm(_ row: ArraySlice<Double>) -> Double {
    row.reduce(0) { $0 + $1 * $1 }.squareRoot()
}
