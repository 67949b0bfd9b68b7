package import Kernels
internal import Networks

/// The measurements of `bench kernels`.
package struct KernelReport: Codable {
    /// One pass of one layer by one algorithm.
    package struct PassFigures: Codable {
        package let pass: ConvolutionPass
        /// Counts the operations of direct convolution, two per multiply-accumulate.
        package let gigaflopsPerSecond: Double
        /// Fraction of the processor's multiply-add rate; a Winograd convolution does fewer
        /// multiplications and may exceed 1.
        package var shareOfPeak = 0.0
        /// Root mean square of the error against double precision, relative to that of the values.
        package let relativeError: Double
    }

    package struct Row: Codable {
        package let layer: String
        /// Number of layers with this shape, by the network's name.
        package let counts: [String: Int]
        package let algorithm: ConvolutionAlgorithm
        /// Images that were timed.
        package let images: Int
        /// Images that were compared with double precision.
        package let checkedImages: Int
        package var passes: [PassFigures]
    }

    package let threads: Int
    /// Images in a microbatch; each microbatch gives one weight gradient.
    package let microbatch: Int
    package let runs: Int
    /// Rate of fused multiply-adds in registers, on the same threads.
    package let peakGigaflopsPerSecond: Double
    package let rows: [Row]

    /// The row and pass with the largest error; `nil` if there are no rows.
    package var worst: (row: Row, figures: PassFigures)? {
        rows.flatMap { row in row.passes.map { (row: row, figures: $0) } }
            .max { $0.figures.relativeError < $1.figures.relativeError }
    }
}

extension KernelReport.Row {
    package init(
        _ layer: ConvolutionLayer, algorithm: ConvolutionAlgorithm, checkedImages: Int,
        passes: [KernelReport.PassFigures]
    ) {
        self.init(
            layer: layer.name,
            counts: Dictionary(uniqueKeysWithValues: layer.counts.map { ($0.key.rawValue, $0.value) }),
            algorithm: algorithm, images: layer.images, checkedImages: checkedImages, passes: passes)
    }

    /// The row with its shares of `peak`, in GFLOP/s.
    package func relative(toPeak peak: Double) -> Self {
        var row = self
        for i in row.passes.indices {
            row.passes[i].shareOfPeak = row.passes[i].gigaflopsPerSecond / peak
        }
        return row
    }
}
