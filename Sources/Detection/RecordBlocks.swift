internal import Inference
internal import Kernels

/// Rows of a rank's records in blocks, for matrix products with samples; takes slightly more memory
/// than the rows.
///
/// A block is a microbatch, or a part of one, padded with zeros; samples come in groups of 32,
/// padded likewise. So every product has the same shape, and its bits depend on the sample and the
/// record alone, not on the rank that holds the microbatch.
struct RecordBlocks: Sendable {
    static let groupSize = 32

    /// Records in a block.
    let width: Int
    /// The first record of each block, and its number of records.
    let records: [(first: Int, count: Int)]
    private let dimension: Int
    /// Shape `[blocks, D, width]`.
    private let columns: [Float]

    /// - Parameter rows: Shape `[N, D]`.
    init(_ rows: [Float], dimension: Int, microbatchSize: Int) {
        let count = rows.count / dimension
        let width = min(microbatchSize, 64)
        var records: [(first: Int, count: Int)] = []
        for microbatch in stride(from: 0, to: count, by: microbatchSize) {
            let end = min(microbatch + microbatchSize, count)
            for first in stride(from: microbatch, to: end, by: width) {
                records.append((first, min(width, end - first)))
            }
        }
        var columns = [Float](repeating: 0, count: records.count * dimension * width)
        for (block, own) in records.enumerated() {
            for record in 0..<own.count {
                for j in 0..<dimension {
                    columns[(block * dimension + j) * width + record] =
                        rows[
                            (own.first + record) * dimension + j]
                }
            }
        }
        (self.width, self.records, self.dimension, self.columns) = (width, records, dimension, columns)
    }

    /// The number of floats in `products`.
    var productCount: Int { Self.groupSize * width }

    /// Overwrites `products`, shape `[32, width]`, with the inner products of a group of samples
    /// and a block's records.
    ///
    /// - Parameters:
    ///   - samples: Shape `[32, D]`.
    ///   - scratch: At least `matrixProductScratchCount` floats.
    func fill(
        _ products: inout MutableSpan<Float>, samples: Span<Float>, block: Int,
        scratch: inout MutableSpan<Float>
    ) {
        let size = dimension * width
        matrixProduct(
            StoredMatrix(samples, rows: Self.groupSize, columns: dimension),
            StoredMatrix(
                columns.span.extracting(block * size..<(block + 1) * size), rows: dimension, columns: width),
            into: &products, scratch: &scratch)
    }

    /// The rows, padded with rows of zeros to whole groups.
    static func groups(_ rows: [Float], dimension: Int) -> [Float] {
        let count = rows.count / dimension
        let padded = (count + groupSize - 1) / groupSize * groupSize
        return rows + [Float](repeating: 0, count: (padded - count) * dimension)
    }
}

extension ScoreInput {
    /// A copy of the features, shape `[N, D]`.
    func copyFeatures() -> [Float] {
        var result: [Float] = []
        result.reserveCapacity(features.count)
        for j in features.indices { result.append(features[j]) }
        return result
    }
}
