import Kernels
import Networks
import Workers

/// The three passes of convolutions, timed and compared with double precision.
struct KernelBenchmark {
    /// Multiply-accumulates of a pass in double precision: what decides how many images are compared.
    private static let referenceBudget = 1 << 29

    let layers: [ConvolutionLayer]
    /// The paths to measure of those that a shape has.
    let paths: (ConvolutionShape) -> [ConvolutionPath]
    let threads: Int
    let lane: Int
    /// How often each pass is timed; the fastest counts.
    let runs: Int

    /// Measures all layers.
    ///
    /// - Parameter progress: Told before each measurement which part of all is done, and what comes.
    func run(progress: (_ fraction: Double, _ text: String) -> Void) -> KernelReport {
        useOneThreadPerLibraryProduct()
        let pool = WorkerPool(threads: threads)
        let total = layers.reduce(0) { $0 + paths($1.shape).count }
        var peak = measurePeakRate(on: pool)
        var rows: [KernelReport.Row] = []
        for layer in layers {
            // Again for each layer: the rate moves with the clock and with what else the machine does.
            peak = max(peak, measurePeakRate(runs: 1, on: pool))
            rows += measure(layer, on: pool) { path in
                progress(Double(rows.count + path) / Double(total), layer.name)
            }
        }
        return KernelReport(
            threads: threads, lane: lane, runs: runs, peakGigaflopsPerSecond: peak / 1e9,
            rows: rows.map { $0.relative(toPeak: peak / 1e9) })
    }

    /// One row a path.
    private func measure(
        _ layer: ConvolutionLayer, on pool: WorkerPool, progress: (_ path: Int) -> Void
    ) -> [KernelReport.Row] {
        progress(0)
        let checked = min(layer.images, lane, max(Self.referenceBudget / layer.shape.multiplyAccumulates, 1))
        let tensors = ConvolutionTensors(layer.shape, images: layer.images, distinct: checked, on: pool)
        let reference = ReferenceConvolution(tensors, images: checked, on: pool)
        var rows: [KernelReport.Row] = []
        for path in paths(layer.shape) {
            progress(rows.count)
            var convolution = TimedConvolution(
                layer.shape, path: path, images: layer.images, lane: lane, pool: pool)
            var passes: [KernelReport.PassFigures] = []
            for pass in ConvolutionPass.allCases {
                let error = convolution.error(of: pass, tensors, images: checked, against: reference)
                let seconds = convolution.seconds(of: pass, tensors, images: layer.images, runs: runs)
                passes.append(
                    KernelReport.PassFigures(
                        pass: pass, gigaflopsPerSecond: layer.operations / seconds / 1e9, relativeError: error
                    ))
            }
            rows.append(KernelReport.Row(layer, path: path, checkedImages: checked, passes: passes))
        }
        return rows
    }
}
