import Kernels
import Networks

/// What `bench kernels` measured.
struct KernelReport: Codable {
    /// One pass of one layer by one path.
    struct PassFigures: Codable {
        let pass: ConvolutionPass
        /// In terms of direct multiplication, two operations a multiply-accumulate.
        let gigaflopsPerSecond: Double
        /// Of the processor's multiply-adds; a transformed convolution does fewer of them and may pass 1.
        var shareOfPeak = 0.0
        /// Root mean square of the error against double precision, in terms of that of the values.
        let relativeError: Double
    }

    struct Row: Codable {
        let layer: String
        /// How many layers of each network have the shape, by the network's name.
        let counts: [String: Int]
        let path: ConvolutionPath
        /// Images that were timed.
        let images: Int
        /// Images that were compared with double precision.
        let checkedImages: Int
        var passes: [PassFigures]
    }

    let threads: Int
    /// Images of a weight gradient of its own.
    let lane: Int
    let runs: Int
    /// Of fused multiply-adds in registers, on the same threads.
    let peakGigaflopsPerSecond: Double
    let rows: [Row]

    /// The largest error and where it is; `nil` for no rows.
    var worst: (row: Row, figures: PassFigures)? {
        rows.flatMap { row in row.passes.map { (row: row, figures: $0) } }
            .max { $0.figures.relativeError < $1.figures.relativeError }
    }
}

extension KernelReport.Row {
    init(
        _ layer: ConvolutionLayer, path: ConvolutionPath, checkedImages: Int,
        passes: [KernelReport.PassFigures]
    ) {
        self.init(
            layer: layer.name,
            counts: Dictionary(uniqueKeysWithValues: layer.counts.map { ($0.key.rawValue, $0.value) }),
            path: path, images: layer.images, checkedImages: checkedImages, passes: passes)
    }

    /// The row with its shares of `peak`, in GFLOP/s.
    func relative(toPeak peak: Double) -> Self {
        var row = self
        for i in row.passes.indices {
            row.passes[i].shareOfPeak = row.passes[i].gigaflopsPerSecond / peak
        }
        return row
    }
}
