internal import Cluster
internal import Inference
internal import Kernels
internal import Memory
internal import Networks
internal import Numerics

/// A stage's activation map as one row, shape `[N, positions · channels]`.
struct StageActivations: NetworkProbe {
    let stage: Int

    var key: String { "map of stage \(stage)" }

    func values(
        of images: borrowing Buffer<Float>, _ input: borrowing ScoreInput, in network: InspectedNetwork
    ) throws -> [Float] {
        var result: [Float] = []
        let count = input.count
        _ = try network.classifier.features(images: images, network.context(count, .evaluation)) { layer in
            guard layer.kind == .stage(stage) else { return }
            for sample in 0..<count { result += layer.map(ofSample: sample) }
        }
        return result
    }
}

/// The directions in which a stage's activation maps of the training images vary most about their
/// mean.
///
/// Maps are too wide to form their covariance, so this is a randomised subspace iteration: each
/// round multiplies random directions by the covariance, in one pass over the images, and
/// orthonormalises them. Halko, Martinsson, Tropp: "Finding structure with randomness", SIAM Review
/// 53, 2011, arXiv 0909.4061, algorithm 4.4.
struct MapDirections: Sendable {
    /// Projects an activation map minus the mean onto the directions.
    let map: LinearMap
    /// The coordinates of the rank's training images, with the images' labels.
    let training: FeatureShard

    /// Collective; reads the training images `rounds + 1` times.
    ///
    /// - Parameters:
    ///   - count: The number of directions.
    ///   - more: Extra directions (oversampling), which are iterated on and dropped at the end.
    init(_ fit: FitContext, stage: Int, count: Int, more: Int, rounds: Int) throws {
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
        let coordinates = try fit.trainingShard(of: Projection(map: sketch, stage: stage))
        let moments = try coordinates.moments(on: fit.communicator)
        let eigen = try eigenvectors(of: moments.covariance, dimension: directions.count, score: .gmm)
        // Eigenvalues are in ascending order, so the last vectors are kept.
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
struct Projection: NetworkProbe {
    let map: LinearMap
    let stage: Int

    var key: String { "projection of stage \(stage)" }

    func values(
        of images: borrowing Buffer<Float>, _ input: borrowing ScoreInput, in network: InspectedNetwork
    ) throws -> [Float] {
        let maps = try StageActivations(stage: stage).values(of: images, input, in: network)
        return map(maps.span).map { Float($0) }
    }
}

/// Rows of uniform random numbers from −1 to 1, shape `[count, width]`.
private func drawnRows(_ count: Int, _ width: Int) -> [Double] {
    (0..<count).flatMap { row in
        var numbers = RandomStream(seed: 0, purpose: .projection, 0, row)
        return (0..<width).map { _ in Double(2 * numbers.uniform() - 1) }
    }
}

/// `rows` times the covariance of the training images' maps, and the maps' mean. Collective.
private func multiplied(
    _ rows: [Double], width: Int, stage: Int, _ fit: FitContext
) throws -> (rows: [Double], mean: [Double]) {
    let shard = fit.training
    let count = rows.count / width
    let directions = rows.map { Float($0) }
    var sums = StreamedTreeSum(
        microbatchCount: (shard.count + shard.microbatchSize - 1) / shard.microbatchSize,
        width: rows.count + width)
    var scratch = [Float](repeating: 0, count: matrixProductScratchCount)
    try fit.forEachCapturedTrainingBatch(StageActivations(stage: stage)) { records, values in
        var scratch = scratch.mutableSpan
        for first in stride(from: 0, to: records.count, by: shard.microbatchSize) {
            let samples = min(shard.microbatchSize, records.count - first)
            let maps = values.span.extracting(first * width..<(first + samples) * width)
            var coordinates = [Float](repeating: 0, count: samples * count)
            var coordinateSpan = coordinates.mutableSpan
            matrixProduct(
                StoredMatrix(maps, rows: samples, columns: width),
                StoredMatrix(directions.span, .transposed, rows: width, columns: count),
                into: &coordinateSpan, scratch: &scratch)
            var products = [Float](repeating: 0, count: count * width)
            var productSpan = products.mutableSpan
            matrixProduct(
                StoredMatrix(coordinates.span, .transposed, rows: count, columns: samples),
                StoredMatrix(maps, rows: samples, columns: width), into: &productSpan, scratch: &scratch)
            var sum = products.map { Double($0) } + [Double](repeating: 0, count: width)
            for sample in 0..<samples {
                for j in 0..<width { sum[rows.count + j] += Double(maps[sample * width + j]) }
            }
            sums.add(sum)
        }
    }
    let total = Double(try shard.totalCount(on: fit.communicator))
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

/// Orthonormalises the rows by Gram-Schmidt, with a second pass against rounding; rows that depend
/// linearly on earlier rows become 0.
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
