internal import Kernels

/// Turns a graph's layers into the instructions of a forward pass.
///
/// What a layer does to another's result is fused where a kernel can do it. A batch norm and a ReLU
/// are computed by those who read them. In evaluation, where the statistics are known beforehand,
/// they are part of the convolution before them, as is the addition of a shortcut. In training the
/// addition is part of a convolution that no batch norm follows directly.
struct ForwardLowering {
    let layers: NetworkLayers
    let mode: StepContext.Mode
    /// The last layer of the pass.
    private let output: LayerGraph.Node
    private let readers: [LayerGraph.Node: [LayerGraph.Node]]
    private var results: [LayerGraph.Node: Result] = [:]
    private(set) var program = PassProgram()
    /// What the backward pass reverses.
    private(set) var tape: [Taped] = []

    /// A layer as the backward pass sees it.
    enum Taped {
        case convolution(Convolution2D, of: PassValue, PassValue)
        case normalization(BatchNormalization2D, of: PassValue, PassValue)
        case sum(PassValue?, PassValue, PassValue)
        case maxPool(ConvolutionShape, choices: PassTensor<UInt8>, of: PassValue, PassValue)
        case subsampling(ConvolutionShape, of: PassValue, PassValue)
        case blur(of: PassValue, PassValue)
        case dropout(Dropout, of: PassValue, PassValue)

        var output: PassValue {
            switch self {
            case .convolution(_, _, let output), .normalization(_, _, let output), .sum(_, _, let output),
                .maxPool(_, _, _, let output), .subsampling(_, _, let output), .blur(_, let output),
                .dropout(_, _, let output):
                output
            }
        }
    }

    private enum Result {
        case value(PassValue)
        /// A convolution that waits for what can be fused to it.
        case waiting(WaitingConvolution)
    }

    private struct WaitingConvolution {
        let convolution: Convolution2D
        let input: PassValue
        var normalization: BatchNormalization2D?
        var appliesReLU = false
    }

    init(_ layers: NetworkLayers, mode: StepContext.Mode, to output: LayerGraph.Node) {
        self.layers = layers
        self.mode = mode
        self.output = output
        var readers: [LayerGraph.Node: [LayerGraph.Node]] = [:]
        for node in layers.graph.nodes where node <= output {
            for input in layers.graph[node].inputs { readers[input, default: []].append(node) }
        }
        self.readers = readers
        for node in layers.graph.nodes where node <= output { lower(node) }
    }

    /// The result of the last layer.
    mutating func outputValue() -> PassValue { value(output) }

    private var graph: LayerGraph { layers.graph }

    private mutating func lower(_ node: LayerGraph.Node) {
        let inputs = graph[node].inputs
        switch graph[node].layer {
        case .images:
            results[node] = .value(
                PassValue(MapView(tensor: nil), graph[node].map, needsGradient: mode == .inspection))
        case .convolution:
            let waiting = WaitingConvolution(convolution: layers.convolution(node), input: read(inputs[0]))
            if waits(node) {
                results[node] = .waiting(waiting)
            } else {
                emit(waiting, adding: nil, for: node)
            }
        case .batchNorm: normalize(node, inputs[0])
        case .relu: relu(node, inputs[0])
        case .sum: sum(node, inputs[0], inputs[1])
        case .maxPool(let shape): maxPool(node, inputs[0], shape)
        case .subsampling(let shape): subsample(node, inputs[0], shape)
        case .blur: blur(node, inputs[0])
        case .dropout(let layer): dropout(node, inputs[0], layer)
        }
        if let stage = graph.stages.firstIndex(of: node) {
            program.endStage(stage, value(node))
        }
    }

    // MARK: - Layers

    /// Whether something may yet be fused to a convolution.
    private func waits(_ node: LayerGraph.Node) -> Bool {
        switch mode {
        case .evaluation: true
        case .inspection: false
        case .training:
            onlyReader(of: node).map { if case .sum = graph[$0].layer { true } else { false } } ?? false
        }
    }

    private mutating func emit(
        _ waiting: WaitingConvolution, adding addend: PassValue?, for node: LayerGraph.Node
    ) {
        precondition(
            waiting.normalization != nil || !waiting.appliesReLU, "a ReLU without a normalisation")
        let output = layers.tensor(graph[node].map, mode)
        let following: ConvolutionInstruction.Following =
            if mode == .evaluation {
                .folded(waiting.normalization, appliesReLU: waiting.appliesReLU)
            } else if let normalization = normalization(of: node) {
                .statistics(normalization)
            } else {
                .nothing
            }
        program.append(
            ConvolutionInstruction(
                convolution: waiting.convolution, input: waiting.input.view, addend: addend?.view.tensor,
                following: following, output: output))
        let needsGradient =
            waiting.input.needsGradient || isTrained(waiting.convolution.weights)
            || addend?.needsGradient == true
        let result = PassValue(MapView(tensor: output), graph[node].map, needsGradient: needsGradient)
        result.isSum = addend != nil
        results[node] = .value(result)
        tape.append(.convolution(waiting.convolution, of: waiting.input, result))
        if mode == .inspection { program.show(.convolution, result) }
    }

    private mutating func normalize(_ node: LayerGraph.Node, _ input: LayerGraph.Node) {
        let normalization = layers.normalization(node)
        if case .waiting(var waiting) = results[input], waiting.normalization == nil,
            onlyReader(of: input) == node
        {
            waiting.normalization = normalization
            results[node] = .waiting(waiting)
            return
        }
        let value = read(input)
        guard let tensor = value.view.tensor, value.view.normalization == nil else {
            preconditionFailure("a normalisation of what is no stored tensor")
        }
        if mode == .evaluation {
            program.append(RunningStatisticsInstruction(normalization: normalization))
        }
        let appliesReLU = readsOnlyReLU(node)
        let result = PassValue(
            MapView(tensor: tensor, normalization: normalization, appliesReLU: appliesReLU), graph[node].map,
            needsGradient: value.needsGradient || isTrained(normalization.parameters))
        if appliesReLU { result.mask = .normalized(tensor, normalization) }
        results[node] = .value(result)
        tape.append(.normalization(normalization, of: value, result))
    }

    /// A ReLU is part of what it reads.
    private mutating func relu(_ node: LayerGraph.Node, _ input: LayerGraph.Node) {
        precondition(onlyReader(of: input) == node, "a ReLU of what others read as well")
        if case .waiting(var waiting) = results[input] {
            waiting.appliesReLU = true
            results[node] = .waiting(waiting)
        } else {
            results[node] = results[input]
            if mode == .inspection { program.show(.relu, value(node)) }
        }
    }

    private mutating func sum(_ node: LayerGraph.Node, _ first: LayerGraph.Node, _ second: LayerGraph.Node) {
        let other = read(second)
        let appliesReLU = readsOnlyReLU(node)
        if case .waiting(var waiting) = results[first] {
            precondition(!waiting.appliesReLU, "a sum with a ReLU")
            waiting.appliesReLU = appliesReLU
            emit(waiting, adding: finished(other), for: node)
            tape.append(.sum(nil, other, value(node)))
            return
        }
        let own = read(first)
        let tensor = layers.tensor(graph[node].map, mode)
        program.append(
            SumInstruction(
                first: own.view, second: other.view, appliesReLU: appliesReLU, map: graph[node].map,
                normalization: normalization(of: node), output: tensor))
        let result = PassValue(
            MapView(tensor: tensor), graph[node].map,
            needsGradient: own.needsGradient || other.needsGradient)
        result.isSum = true
        if appliesReLU {
            guard let input = own.view.tensor, let normalization = own.view.normalization else {
                preconditionFailure("a ReLU of a sum without a normalisation")
            }
            result.mask = .relu(output: tensor, input: input, normalization)
            if !keeps(node) { result.recomputation = .sum(own, other, appliesReLU: true) }
        }
        results[node] = .value(result)
        tape.append(.sum(own, other, result))
    }

    private mutating func maxPool(
        _ node: LayerGraph.Node, _ input: LayerGraph.Node, _ shape: ConvolutionShape
    ) {
        let value = read(input)
        let choices = PassTensor<UInt8>(sampleSize: shape.outputCount)
        let result = PassValue(
            MapView(tensor: PassTensor(sampleSize: shape.outputCount)), graph[node].map,
            needsGradient: value.needsGradient)
        program.append(
            MaxPoolInstruction(
                shape: shape, input: value.view, output: result.view.tensor!, choices: choices,
                finished: PassTensor(sampleSize: shape.inputCount)))
        results[node] = .value(result)
        tape.append(.maxPool(shape, choices: choices, of: value, result))
    }

    private mutating func subsample(
        _ node: LayerGraph.Node, _ input: LayerGraph.Node, _ shape: ConvolutionShape
    ) {
        let value = finished(read(input))
        let result = PassValue(
            MapView(tensor: PassTensor(sampleSize: shape.outputCount)), graph[node].map,
            needsGradient: value.needsGradient)
        result.recomputation = .subsampling(value, shape)
        program.append(
            SubsamplingInstruction(
                shape: shape, input: value.view, finished: PassTensor(sampleSize: shape.inputCount),
                output: result.view.tensor!))
        results[node] = .value(result)
        tape.append(.subsampling(shape, of: value, result))
    }

    private mutating func blur(_ node: LayerGraph.Node, _ input: LayerGraph.Node) {
        let value = read(input)
        let map = graph[node].map
        let result = PassValue(
            MapView(tensor: PassTensor(sampleSize: map.count)), map, needsGradient: value.needsGradient)
        program.append(
            BlurInstruction(
                map: map, input: value.view, finished: PassTensor(sampleSize: map.count),
                output: result.view.tensor!))
        results[node] = .value(result)
        tape.append(.blur(of: value, result))
    }

    /// Outside training the result is the input itself.
    private mutating func dropout(_ node: LayerGraph.Node, _ input: LayerGraph.Node, _ layer: Dropout) {
        guard mode == .training else {
            precondition(onlyReader(of: input) == node, "a dropout of what others read as well")
            results[node] = results[input]
            return
        }
        let value = read(input)
        let map = graph[node].map
        let output = PassTensor<Float>(sampleSize: map.count)
        let result = PassValue(MapView(tensor: output), map, needsGradient: value.needsGradient)
        result.recomputation = .dropout(value, layer)
        program.append(DropoutInstruction(layer: layer, map: map, input: value.view, output: output))
        results[node] = .value(result)
        tape.append(.dropout(layer, of: value, result))
    }

    // MARK: - Results

    /// The result of `node` for another layer.
    private mutating func read(_ node: LayerGraph.Node) -> PassValue {
        let value = value(node)
        value.readers += 1
        return value
    }

    /// The result of `node`; what waits for it to be fused is computed.
    private mutating func value(_ node: LayerGraph.Node) -> PassValue {
        if case .waiting(let waiting) = results[node] { emit(waiting, adding: nil, for: node) }
        guard case .value(let value) = results[node] else { preconditionFailure("a result before its layer") }
        return value
    }

    private func finished(_ value: PassValue) -> PassValue {
        precondition(
            value.view.normalization == nil && value.view.tensor != nil, "a layer that reads stored tensors")
        return value
    }

    private func isTrained(_ parameters: Range<Int>) -> Bool {
        mode == .training && layers.store.isTrained(parameters)
    }

    private func onlyReader(of node: LayerGraph.Node) -> LayerGraph.Node? {
        guard let own = readers[node], own.count == 1 else { return nil }
        return own[0]
    }

    private func readsOnlyReLU(_ node: LayerGraph.Node) -> Bool {
        onlyReader(of: node).map { if case .relu = graph[$0].layer { true } else { false } } ?? false
    }

    /// The batch norm that reads `node`, if any.
    private func normalization(of node: LayerGraph.Node) -> BatchNormalization2D? {
        guard mode != .evaluation else { return nil }
        let reader = readers[node]?.first {
            if case .batchNorm = graph[$0].layer { true } else { false }
        }
        return reader.map(layers.normalization)
    }

    /// Whether the finished sum `node` stays in memory until the backward pass.
    ///
    /// It is a sum of tensors that are kept anyway, so computing it again takes one pass over memory
    /// (activation checkpointing). The last three stages keep theirs: the backward pass begins there
    /// and would need them all at the same time, and they are small.
    private func keeps(_ node: LayerGraph.Node) -> Bool {
        let keptStages = 3
        guard graph.stages.count > keptStages + 1 else { return true }
        return node > graph.stages[graph.stages.count - keptStages - 1]
    }
}
