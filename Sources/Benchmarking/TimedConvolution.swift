package import Kernels
internal import Memory
internal import Numerics
package import Workers

/// A convolution by one algorithm, with the memory that its passes need.
package struct TimedConvolution: ~Copyable {
    /// Elements of a result that are computed in double precision.
    private static let comparedElements = 2048

    private let work: Work
    private var panels: Buffer<Float>
    private var results: Buffer<Float>

    /// - Parameters:
    ///   - images: The maximum number of images in a run.
    ///   - microbatch: Images in a microbatch; each microbatch gives one weight gradient.
    package init(
        _ shape: ConvolutionShape, algorithm: ConvolutionAlgorithm, images: Int, microbatch: Int,
        pool: WorkerPool
    ) {
        work = Work(convolution: Convolution(shape, algorithm: algorithm), microbatch: microbatch, pool: pool)
        panels = Buffer(zeros: work.convolution.panelCount)
        let work = work
        results = Buffer(
            zeros: ConvolutionPass.allCases.map { work.resultCount($0, images: images) }.max() ?? 0)
    }

    /// Runs one pass over the first `images` images of `tensors`, including packing or transforming
    /// the weights.
    private mutating func run(_ pass: ConvolutionPass, _ tensors: borrowing ConvolutionTensors, images: Int) {
        let work = work
        work.run(pass, tensors, images: images, panels: &panels, into: &results)
    }

    /// The relative rms error of a pass over the first `images` images, at most one microbatch,
    /// against double precision.
    package mutating func error(
        of pass: ConvolutionPass, _ tensors: borrowing ConvolutionTensors, images: Int
    ) -> Double {
        run(pass, tensors, images: images)
        let direct = DirectConvolution(
            shape: tensors.shape, images: images, input: tensors.input.span, weights: tensors.weights.span,
            outputGradient: tensors.outputGradient.span)
        guard pass != .weightGradient else {
            let sum = sumOfParts()
            return direct.relativeError(of: sum.span, pass, samples: Self.comparedElements)
        }
        let count = work.resultCount(pass, images: images)
        return direct.relativeError(
            of: results.span.extracting(0..<count), pass, samples: Self.comparedElements)
    }

    /// The weight gradient of the first microbatch.
    private func sumOfParts() -> Buffer<Float> {
        let parts = work.convolution.gradientParts(microbatchSize: work.microbatch)
        var sum = Buffer<Float>(zeros: work.convolution.shape.weightCount)
        var span = sum.mutableSpan
        sumMicrobatches(results.span, microbatchCount: 1, parts: parts, into: &span, on: work.pool)
        return sum
    }

    /// The shortest time in seconds of a pass over `images` images.
    ///
    /// - Parameter runs: Number of timings; each covers as many passes as fill 50 ms.
    package mutating func seconds(
        of pass: ConvolutionPass, _ tensors: borrowing ConvolutionTensors, images: Int, runs: Int
    ) -> Double {
        run(pass, tensors, images: images)
        let once = time(pass, tensors, images: images, passes: 1)
        let passes = max(Int((0.05 / once).rounded(.up)), 1)
        var least = Double.infinity
        for _ in 0..<runs { least = min(least, time(pass, tensors, images: images, passes: passes)) }
        return least
    }

    /// Mean seconds per pass over `passes` passes.
    private mutating func time(
        _ pass: ConvolutionPass, _ tensors: borrowing ConvolutionTensors, images: Int, passes: Int
    ) -> Double {
        let start = ContinuousClock.now
        for _ in 0..<passes { run(pass, tensors, images: images) }
        return (ContinuousClock.now - start).inSeconds / Double(passes)
    }
}

/// The convolution and its settings; operands and buffers are passed in.
private struct Work {
    let convolution: Convolution
    let microbatch: Int
    let pool: WorkerPool

    func run(
        _ pass: ConvolutionPass, _ tensors: borrowing ConvolutionTensors, images: Int,
        panels: inout Buffer<Float>, into results: inout Buffer<Float>
    ) {
        let shape = convolution.shape
        let input = tensors.input.span.extracting(0..<images * shape.inputCount)
        let gradient = tensors.outputGradient.span.extracting(0..<images * shape.outputCount)
        var panels = panels.mutableSpan
        var all = results.mutableSpan
        var results = all.part(0..<resultCount(pass, images: images))
        var sums = MutableSpan<Double>()
        switch pass {
        case .forward:
            convolution.forward(
                Prologue(input), weights: tensors.weights.span, sampleCount: images,
                microbatchSize: microbatch,
                epilogue: Epilogue(), panels: &panels, into: &results, sums: &sums, on: pool)
        case .inputGradient:
            convolution.inputGradient(
                Prologue(gradient), weights: tensors.weights.span, sampleCount: images,
                microbatchSize: microbatch,
                epilogue: Epilogue(), panels: &panels, into: &results, sums: &sums, on: pool)
        case .weightGradient:
            convolution.weightGradient(
                Prologue(input), outputGradient: Prologue(gradient), sampleCount: images,
                microbatchSize: microbatch,
                into: &results, on: pool)
        }
    }

    /// Number of elements of a pass's result.
    func resultCount(_ pass: ConvolutionPass, images: Int) -> Int {
        let shape = convolution.shape
        return switch pass {
        case .forward: images * shape.outputCount
        case .inputGradient: images * shape.inputCount
        case .weightGradient:
            (images + microbatch - 1) / microbatch * convolution.gradientParts(microbatchSize: microbatch)
                * shape.weightCount
        }
    }
}
