internal import Kernels
internal import Memory

/// The instructions of a pass in the order of execution, and where layers' results are there.
struct PassProgram {
    private(set) var instructions: [any Instruction] = []
    /// Results for an observer, each with the number of instructions after which it is there.
    private var shown: [(end: Int, kind: LayerOutput.Kind, value: PassValue)] = []
    /// For each stage the number of instructions after which its result is there, and the result.
    private(set) var stages: [(end: Int, value: PassValue)] = []
    /// Gradient of the images, which outlives the pass.
    var imageGradient: PassTensor<Float>?

    mutating func append(_ instruction: any Instruction) { instructions.append(instruction) }

    /// Declares that an observer sees `value` as a layer's output.
    mutating func show(_ kind: LayerOutput.Kind, _ value: PassValue) {
        shown.append((instructions.count, kind, value))
    }

    /// Declares the result of a stage, which an observer sees as well.
    mutating func endStage(_ stage: Int, _ value: PassValue) {
        precondition(stage == stages.count, "stage \(stage) after \(stages.count) stages")
        stages.append((instructions.count, value))
        show(.stage(stage), value)
    }

    /// Executes a part of the instructions.
    ///
    /// - Parameter observe: Receives the outputs of layers as they are computed.
    func run(_ range: Range<Int>, _ pass: borrowing PassInputs, observe: LayerObserver? = nil) throws {
        for index in range {
            try instructions[index].run(pass)
            guard let observe else { continue }
            for output in shown where output.end == index + 1 { output.value.show(output.kind, observe) }
        }
    }
}

extension PassValue {
    fileprivate func show(_ kind: LayerOutput.Kind, _ observe: LayerObserver) {
        guard let tensor = view.tensor else { return }
        precondition(tensor.storage == .float32, "an observer of a map in 16 bits")
        guard let normalization = view.normalization else {
            withSpans(tensor.values) {
                observe(LayerOutput(kind, $0, channels: map.channels, positions: map.positions))
            }
            return
        }
        withSpans(tensor.values, normalization.coefficients) {
            observe(
                LayerOutput(
                    kind, $0, coefficients: $1, appliesReLU: view.appliesReLU, channels: map.channels,
                    positions: map.positions))
        }
    }
}

// MARK: - Memory

extension PassProgram {
    /// The lifetimes of all tensors: from the instruction that writes one to the last one that uses
    /// it. What an instruction may overwrite, it overwrites if nothing reads it later.
    func memoryPlan(_ context: StepContext) -> MemoryPlan {
        let lastUses = lastUses
        var plan = MemoryPlan()
        var begun: [ObjectIdentifier: MemoryPlan.Tensor] = [:]
        for (index, instruction) in instructions.enumerated() {
            let scratch = instruction.planScratch(&plan, context)
            var overwritten = instruction.overwritten
            for tensor in instruction.writes where begun[ObjectIdentifier(tensor)] == nil {
                let place = overwritten.flatMap {
                    lastUses[ObjectIdentifier($0)] == index && $0.sampleByteCount == tensor.sampleByteCount
                        ? begun[ObjectIdentifier($0)] : nil
                }
                begun[ObjectIdentifier(tensor)] = tensor.begin(
                    in: &plan, sampleCount: context.sampleCount, inPlaceOf: place)
                overwritten = nil
            }
            for tensor in scratch { plan.end(tensor) }
            let used = Set((instruction.reads + instruction.writes).map(ObjectIdentifier.init))
            for tensor in used.compactMap({ lastUses[$0] == index ? begun[$0] : nil }) { plan.end(tensor) }
        }
        plan.place()
        return plan
    }

    /// For each tensor the last instruction that uses it.
    private var lastUses: [ObjectIdentifier: Int] {
        var uses: [ObjectIdentifier: Int] = [:]
        for (index, instruction) in instructions.enumerated() {
            for tensor in instruction.reads + instruction.writes { uses[ObjectIdentifier(tensor)] = index }
        }
        if let imageGradient { uses[ObjectIdentifier(imageGradient)] = instructions.count }
        return uses
    }
}
