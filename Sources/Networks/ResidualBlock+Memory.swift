internal import Kernels

extension ResidualBlock {
    /// The block's tensors in the current plan.
    struct Planned {
        var outputs: [MemoryPlan.Tensor] = []
        var projected: MemoryPlan.Tensor?
        var joined: MemoryPlan.Tensor?
        var recomputed: MemoryPlan.Tensor?
    }

    /// Plans the memory of the forward pass of training and inspection.
    ///
    /// - Parameter keeps: Whether the finished values are kept for the backward pass.
    func planForwardKeeping(_ plan: inout MemoryPlan, keeps: Bool, _ context: StepContext) {
        planned = Planned()
        for unit in units { planned.outputs.append(unit.planForward(&plan, context)) }
        if case .projection(let unit) = shortcut { planned.projected = unit.planForward(&plan, context) }
        let joined = planFinish(&plan, into: self.joined, context)
        planned.joined = joined
        if keeps {
            planned.recomputed = plan.begin(
                context.sampleCount * last.convolution.shape.outputCount, inPlaceOf: joined
            ) { [unowned self] in recomputed.values = $0 }
        }
    }

    /// Ends the lifetime of the finished values of the forward pass.
    func planForwardEnd(_ plan: inout MemoryPlan) {
        if let joined = planned.joined { plan.end(joined) }
    }

    /// Begins the lifetime of `recomputed`.
    func planRecomputation(_ plan: inout MemoryPlan, _ context: StepContext) {
        planned.recomputed = planFinish(&plan, into: recomputed, context)
    }

    /// Ends the lifetime of `recomputed`.
    func planRecomputationEnd(_ plan: inout MemoryPlan) {
        if let recomputed = planned.recomputed { plan.end(recomputed) }
    }

    private func planFinish(
        _ plan: inout MemoryPlan, into output: Activation, _ context: StepContext
    ) -> MemoryPlan.Tensor {
        let count = context.sampleCount * last.convolution.shape.outputCount
        let result = plan.begin(count) { output.values = $0 }
        if case .subsampling = shortcut { plan.moment(count) { [unowned self] in subsampled = $0 } }
        return result
    }

    /// Plans the memory of the backward pass.
    ///
    /// - Parameter gradient: Gradient of the block's output; its lifetime ends here.
    /// - Returns: `inputGradient`.
    func planBackward(
        _ plan: inout MemoryPlan, gradient: MemoryPlan.Tensor, _ context: StepContext
    ) -> MemoryPlan.Tensor {
        var addend = gradient
        switch shortcut {
        case .identity: break
        case .projection(let unit):
            addend = unit.convolution.planGradients(&plan, context)
            if let projected = planned.projected { plan.end(projected) }
        case .subsampling(let shape):
            addend = plan.begin(context.sampleCount * shape.inputCount) { [unowned self] in
                spreadGradient = $0
            }
        }
        var current = gradient
        for i in stride(from: units.count - 1, to: 0, by: -1) {
            let next = units[i].convolution.planGradients(&plan, context)
            plan.end(planned.outputs[i])
            // With an identity shortcut, the gradient of the block's output is also the shortcut's.
            if current != addend { plan.end(current) }
            current = next
        }
        let result = units[0].convolution.planGradients(&plan, inPlaceOf: addend, context)
        plan.end(planned.outputs[0])
        plan.end(current)
        plan.end(addend)
        return result
    }

    /// Plans the memory of the forward pass of evaluation.
    ///
    /// - Parameter input: Its lifetime ends here.
    /// - Returns: `output`.
    func planForwardEvaluation(
        _ plan: inout MemoryPlan, input: MemoryPlan.Tensor, _ context: StepContext
    ) -> MemoryPlan.Tensor {
        var current: MemoryPlan.Tensor?
        for unit in units.dropLast() {
            let next = unit.planForward(&plan, context)
            if let current { plan.end(current) }
            current = next
        }
        var residual = input
        switch shortcut {
        case .identity: break
        case .projection(let unit): residual = unit.planForward(&plan, context)
        case .subsampling(let shape):
            residual = plan.begin(context.sampleCount * shape.outputCount) { [unowned self] in subsampled = $0
            }
        }
        let result = last.planForward(&plan, inPlaceOf: residual, context)
        if let current { plan.end(current) }
        if residual != input { plan.end(input) }
        plan.end(residual)
        return result
    }
}
