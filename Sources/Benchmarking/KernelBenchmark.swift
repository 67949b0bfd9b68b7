package import Kernels
internal import Networks
internal import Workers

/// Times the three passes of convolutions and compares them with double precision.
package struct KernelBenchmark {
    package let layers: [ConvolutionLayer]
    /// The algorithms to measure for a shape.
    package let algorithms: (ConvolutionShape) -> [ConvolutionAlgorithm]
    package let threads: Int
    package let microbatch: Int
    /// Timed runs per pass; the fastest counts.
    package let runs: Int

    package init(
        layers: [ConvolutionLayer], algorithms: @escaping (ConvolutionShape) -> [ConvolutionAlgorithm],
        threads: Int, microbatch: Int, runs: Int
    ) {
        self.layers = layers
        self.algorithms = algorithms
        self.threads = threads
        self.microbatch = microbatch
        self.runs = runs
    }

    /// Measures all layers.
    ///
    /// - Parameter progress: Called before each measurement with the completed fraction and the
    ///   name of the next layer.
    package func run(progress: (_ fraction: Double, _ text: String) -> Void) -> KernelReport {
        useOneThreadPerLibraryProduct()
        let pool = WorkerPool(threads: threads)
        let total = layers.reduce(0) { $0 + algorithms($1.shape).count }
        var peak = measurePeakRate(on: pool)
        var rows: [KernelReport.Row] = []
        for layer in layers {
            // Measured again for each layer, since the rate varies with the clock and with other
            // load on the machine.
            peak = max(peak, measurePeakRate(runs: 1, on: pool))
            rows += measure(layer, on: pool) { algorithm in
                progress(Double(rows.count + algorithm) / Double(total), layer.name)
            }
        }
        return KernelReport(
            threads: threads, microbatch: microbatch, runs: runs, peakGigaflopsPerSecond: peak / 1e9,
            rows: rows.map { $0.relative(toPeak: peak / 1e9) })
    }

    /// Returns one row per algorithm.
    private func measure(
        _ layer: ConvolutionLayer, on pool: WorkerPool, progress: (_ algorithm: Int) -> Void
    ) -> [KernelReport.Row] {
        progress(0)
        let checked = min(layer.images, microbatch)
        let tensors = ConvolutionTensors(layer.shape, images: layer.images, distinct: checked, on: pool)
        var rows: [KernelReport.Row] = []
        for algorithm in algorithms(layer.shape) {
            progress(rows.count)
            var convolution = TimedConvolution(
                layer.shape, algorithm: algorithm, images: layer.images, microbatch: microbatch, pool: pool)
            var passes: [KernelReport.PassFigures] = []
            for pass in ConvolutionPass.allCases {
                let error = convolution.error(of: pass, tensors, images: checked)
                let seconds = convolution.seconds(of: pass, tensors, images: layer.images, runs: runs)
                passes.append(
                    KernelReport.PassFigures(
                        pass: pass, gigaflopsPerSecond: layer.operations / seconds / 1e9, relativeError: error
                    ))
            }
            rows.append(KernelReport.Row(layer, algorithm: algorithm, checkedImages: checked, passes: passes))
        }
        return rows
    }
}
