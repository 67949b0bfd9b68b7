import Kernels
import Workers

/// A convolution by one path, with the memory that its passes need.
struct TimedConvolution: ~Copyable {
    private let work: Work
    private var panels: Buffer<Float>
    private var results: Buffer<Float>

    /// - Parameters:
    ///   - images: The most images of a run.
    ///   - lane: Images of a weight gradient of its own.
    init(_ shape: ConvolutionShape, path: ConvolutionPath, images: Int, lane: Int, pool: WorkerPool) {
        work = Work(convolution: Convolution(shape, path: path), lane: lane, pool: pool)
        panels = Buffer(zeros: work.convolution.panelCount)
        let work = work
        results = Buffer(
            zeros: ConvolutionPass.allCases.map { work.resultCount($0, images: images) }.max() ?? 0)
    }

    /// Runs one pass, packing or transforming of the weights included, over the first `images` images of `tensors`.
    private mutating func run(_ pass: ConvolutionPass, _ tensors: borrowing ConvolutionTensors, images: Int) {
        let work = work
        work.run(pass, tensors, images: images, panels: &panels, into: &results)
    }

    /// The relative rms error of a pass over the reference's images, which are one lane at most.
    mutating func error(
        of pass: ConvolutionPass, _ tensors: borrowing ConvolutionTensors, images: Int,
        against reference: borrowing ReferenceConvolution
    ) -> Double {
        run(pass, tensors, images: images)
        if pass == .weightGradient {
            return reference.relativeError(of: sumOfParts().span, pass)
        }
        let count = work.resultCount(pass, images: images)
        return reference.relativeError(of: results.span.extracting(0..<count), pass)
    }

    /// The weight gradient of the first lane.
    private func sumOfParts() -> Buffer<Float> {
        let parts = work.convolution.gradientParts(laneSize: work.lane)
        var sum = Buffer<Float>(zeros: work.convolution.shape.weightCount)
        var span = sum.mutableSpan
        sumLanes(results.span, laneCount: 1, parts: parts, into: &span, on: work.pool)
        return sum
    }

    /// The least seconds that a pass over `images` images takes.
    ///
    /// - Parameter runs: How often it is timed, each time over as many passes as fill 50 ms.
    mutating func seconds(
        of pass: ConvolutionPass, _ tensors: borrowing ConvolutionTensors, images: Int, runs: Int
    ) -> Double {
        run(pass, tensors, images: images)
        let once = time(pass, tensors, images: images, passes: 1)
        let passes = max(Int((0.05 / once).rounded(.up)), 1)
        var least = Double.infinity
        for _ in 0..<runs { least = min(least, time(pass, tensors, images: images, passes: passes)) }
        return least
    }

    /// Seconds of one of `passes` passes.
    private mutating func time(
        _ pass: ConvolutionPass, _ tensors: borrowing ConvolutionTensors, images: Int, passes: Int
    ) -> Double {
        let start = ContinuousClock.now
        for _ in 0..<passes { run(pass, tensors, images: images) }
        return (ContinuousClock.now - start).inSeconds / Double(passes)
    }
}

/// How it computes; what it computes with is handed in.
private struct Work {
    let convolution: Convolution
    let lane: Int
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
                Operand(input), weights: tensors.weights.span, sampleCount: images, laneSize: lane,
                epilogue: Epilogue(), panels: &panels, into: &results, sums: &sums, on: pool)
        case .inputGradient:
            convolution.inputGradient(
                Operand(gradient), weights: tensors.weights.span, sampleCount: images, laneSize: lane,
                epilogue: Epilogue(), panels: &panels, into: &results, sums: &sums, on: pool)
        case .weightGradient:
            convolution.weightGradient(
                Operand(input), outputGradient: Operand(gradient), sampleCount: images, laneSize: lane,
                into: &results, on: pool)
        }
    }

    /// Elements of a pass's results.
    func resultCount(_ pass: ConvolutionPass, images: Int) -> Int {
        let shape = convolution.shape
        return switch pass {
        case .forward: images * shape.outputCount
        case .inputGradient: images * shape.inputCount
        case .weightGradient:
            (images + lane - 1) / lane * convolution.gradientParts(laneSize: lane) * shape.weightCount
        }
    }
}
