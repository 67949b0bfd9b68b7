internal import Kernels

/// Appends the instructions of the backward pass to those of a forward pass, by reversing its tape.
///
/// Each layer contributes to the gradient of what it reads. A convolution adds what has been
/// contributed before, and the last one to contribute masks the gradient by the ReLU and sums it for
/// the normalisation that it belongs to.
struct BackwardLowering {
    private let mode: StepContext.Mode
    private let layers: NetworkLayers
    private(set) var program: PassProgram

    /// - Parameters:
    ///   - value: The result of the forward pass.
    ///   - gradient: Its gradient, set by the last instruction of `program`.
    init(
        _ forward: ForwardLowering, _ program: PassProgram, from value: PassValue,
        gradient: PassTensor<Float>
    ) {
        mode = forward.mode
        layers = forward.layers
        self.program = program
        value.readers += 1
        contribute(gradient, to: value)
        for taped in forward.tape.reversed() where taped.output.needsGradient { reverse(taped) }
    }

    private mutating func reverse(_ taped: ForwardLowering.Taped) {
        switch taped {
        case .convolution(let convolution, let input, let output):
            differentiate(convolution, input, output)
        case .normalization(let normalization, let input, let output):
            differentiate(normalization, input, output)
        case .sum(let first, let second, let output):
            let gradient = complete(output)
            if let first, first.needsGradient {
                first.readers -= 1
                first.gradient = gradient
                first.hasSums = output.mask.hasSums
            }
            precondition(
                second.readers > 1 || !second.mask.hasSums || !second.needsGradient,
                "a mask of a gradient that others read")
            contribute(gradient, to: second)
        case .maxPool(let shape, let choices, let input, let output):
            let gradient = complete(output)
            let result = PassTensor<Float>(sampleSize: shape.inputCount)
            program.append(
                MaxPoolGradientInstruction(
                    shape: shape, gradient: MapView(tensor: gradient),
                    finished: PassTensor(sampleSize: shape.outputCount), choices: choices,
                    inputGradient: result))
            contribute(result, to: input)
        case .subsampling(let shape, let input, let output):
            let gradient = complete(output)
            let result = PassTensor<Float>(sampleSize: shape.inputCount)
            program.append(
                SubsamplingGradientInstruction(
                    shape: shape, gradient: MapView(tensor: gradient),
                    finished: PassTensor(sampleSize: shape.outputCount), inputGradient: result))
            contribute(result, to: input)
        case .blur(let input, let output):
            let gradient = complete(output)
            let result = PassTensor<Float>(sampleSize: input.map.count)
            program.append(
                BlurInstruction(
                    map: input.map, input: MapView(tensor: gradient),
                    finished: PassTensor(sampleSize: input.map.count), output: result))
            contribute(result, to: input)
        case .dropout(let layer, let input, let output):
            let gradient = complete(output)
            let result = PassTensor<Float>(sampleSize: input.map.count)
            program.append(
                DropoutInstruction(
                    layer: layer, map: input.map, input: MapView(tensor: gradient), output: result))
            contribute(result, to: input)
        }
    }

    private mutating func differentiate(
        _ convolution: Convolution2D, _ input: PassValue, _ output: PassValue
    ) {
        let outputGradient = output.gradientView ?? .stored(complete(output))
        let isTrained = mode == .training && layers.store.isTrained(convolution.weights)
        let view = isTrained ? available(input) : input.view
        guard input.needsGradient else {
            if isTrained {
                program.append(
                    WeightGradientInstruction(
                        convolution: convolution, input: view, outputGradient: outputGradient))
            }
            return
        }
        input.readers -= 1
        let isLast = input.readers == 0
        let result = layers.tensor(input.map, mode)
        program.append(
            ConvolutionGradientInstruction(
                convolution: convolution, input: view, outputGradient: outputGradient,
                addend: input.gradient, mask: isLast ? mask(of: input) : .none, inputGradient: result,
                hasWeightGradient: isTrained))
        input.gradient = result
        input.hasSums = isLast && input.mask.hasSums
        if view.tensor == nil { program.imageGradient = result }
    }

    private mutating func differentiate(
        _ normalization: BatchNormalization2D, _ input: PassValue, _ output: PassValue
    ) {
        guard let tensor = input.view.tensor else { preconditionFailure("a normalisation of images") }
        let gradient = complete(output)
        program.append(
            NormalizationGradientInstruction(
                normalization: normalization, input: tensor, gradient: gradient, hasSums: output.hasSums))
        guard input.needsGradient else { return }
        input.readers -= 1
        precondition(input.readers == 0, "what a normalisation reads is read before it alone")
        guard input.isSum || input.gradient != nil else {
            input.gradientView = .normalized(gradient, input: tensor, normalization)
            return
        }
        let result = layers.tensor(input.map, mode)
        program.append(
            NormalizationInputGradientInstruction(
                normalization: normalization, input: tensor, gradient: gradient,
                addend: input.gradient, result: result))
        input.gradient = result
    }

    // MARK: - Gradients

    /// Adds a layer's contribution to the gradient of `value`; the last one completes it.
    private mutating func contribute(_ gradient: PassTensor<Float>, to value: PassValue) {
        guard value.needsGradient else { return }
        value.readers -= 1
        if let earlier = value.gradient {
            let sum = layers.tensor(value.map, mode)
            program.append(
                SumInstruction(
                    first: MapView(tensor: gradient), second: MapView(tensor: earlier), appliesReLU: false,
                    map: value.map, normalization: nil, output: sum))
            value.gradient = sum
        } else {
            value.gradient = gradient
        }
        if value.readers == 0, value.mask.hasSums {
            program.append(
                MaskInstruction(mask: mask(of: value), map: value.map, gradient: value.gradient!))
            value.hasSums = true
        }
    }

    private func complete(_ value: PassValue) -> PassTensor<Float> {
        guard value.readers == 0, let gradient = value.gradient else {
            preconditionFailure("a gradient that is not complete")
        }
        return gradient
    }

    private mutating func mask(of value: PassValue) -> GradientMask {
        guard case .relu(_, let input, let normalization) = value.mask else { return value.mask }
        return .relu(output: available(value).tensor!, input: input, normalization)
    }

    // MARK: - Recomputation

    /// `value` as the backward pass reads it; computed again if it was not kept.
    private mutating func available(_ value: PassValue) -> MapView {
        guard let recomputation = value.recomputation else { return value.view }
        if let tensor = value.recomputed { return MapView(tensor: tensor) }
        let tensor: PassTensor<Float>
        switch recomputation {
        case .sum(let first, let second, let appliesReLU):
            tensor = layers.tensor(value.map, mode)
            let (first, second) = (available(first), available(second))
            program.append(
                SumInstruction(
                    first: first, second: second, appliesReLU: appliesReLU, map: value.map,
                    normalization: nil, output: tensor))
        case .subsampling(let input, let shape):
            tensor = PassTensor(sampleSize: value.map.count)
            program.append(
                SubsamplingInstruction(
                    shape: shape, input: available(input), finished: PassTensor(sampleSize: input.map.count),
                    output: tensor))
        case .dropout(let input, let layer):
            tensor = PassTensor(sampleSize: value.map.count)
            program.append(
                DropoutInstruction(layer: layer, map: value.map, input: available(input), output: tensor))
        }
        value.recomputed = tensor
        return MapView(tensor: tensor)
    }
}
