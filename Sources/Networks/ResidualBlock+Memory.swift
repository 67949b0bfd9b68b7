internal import Kernels
internal import Workers

extension ResidualBlock {
    /// The block's tensors in the plan at hand.
    struct Planned {
        var outputs: [MemoryPlan.Tensor] = []
        var projected: MemoryPlan.Tensor?
        var joined: MemoryPlan.Tensor?
        var recalled: MemoryPlan.Tensor?
    }

    /// The forward pass of training and inspection.
    ///
    /// - Parameter keeps: Whether the finished values stay for the backward pass.
    func planForwardKeeping(_ plan: inout MemoryPlan, keeps: Bool, _ pass: Pass) {
        planned = Planned()
        for unit in units { planned.outputs.append(unit.planForward(&plan, pass)) }
        if case .projection(let unit) = shortcut { planned.projected = unit.planForward(&plan, pass) }
        let joined = planFinish(&plan, into: self.joined, pass)
        planned.joined = joined
        if keeps {
            planned.recalled = plan.begin(
                pass.sampleCount * last.convolution.shape.outputCount, inPlaceOf: joined
            ) { [unowned self] in recalled.values = $0 }
        }
    }

    /// The values that the forward pass finished are not needed any more.
    func planForwardEnd(_ plan: inout MemoryPlan) {
        if let joined = planned.joined { plan.end(joined) }
    }

    /// `recalled` begins.
    func planRecall(_ plan: inout MemoryPlan, _ pass: Pass) {
        planned.recalled = planFinish(&plan, into: recalled, pass)
    }

    /// `recalled` is not needed any more.
    func planRecallEnd(_ plan: inout MemoryPlan) {
        if let recalled = planned.recalled { plan.end(recalled) }
    }

    private func planFinish(
        _ plan: inout MemoryPlan, into output: Activation, _ pass: Pass
    ) -> MemoryPlan.Tensor {
        let count = pass.sampleCount * last.convolution.shape.outputCount
        let result = plan.begin(count) { output.values = $0 }
        if case .subsampling = shortcut { plan.moment(count) { [unowned self] in subsampled = $0 } }
        return result
    }

    /// The backward pass.
    ///
    /// - Parameter gradient: That of the block's output; ends here.
    /// - Returns: `inputGradient`.
    func planBackward(
        _ plan: inout MemoryPlan, gradient: MemoryPlan.Tensor, _ pass: Pass
    ) -> MemoryPlan.Tensor {
        var addend = gradient
        switch shortcut {
        case .identity: break
        case .projection(let unit):
            addend = unit.planGradients(&plan, pass)
            if let projected = planned.projected { plan.end(projected) }
        case .subsampling(let shape):
            addend = plan.begin(pass.sampleCount * shape.inputCount) { [unowned self] in spreadGradient = $0 }
        }
        var current = gradient
        for i in stride(from: units.count - 1, to: 0, by: -1) {
            let next = units[i].planGradients(&plan, pass)
            plan.end(planned.outputs[i])
            // The gradient at the block's end is the shortcut's, too, where that is the identity.
            if current != addend { plan.end(current) }
            current = next
        }
        let result = units[0].planGradients(&plan, inPlaceOf: addend, pass)
        plan.end(planned.outputs[0])
        plan.end(current)
        plan.end(addend)
        return result
    }

    /// The forward pass of evaluation.
    ///
    /// - Parameter input: Ends here.
    /// - Returns: `output`.
    func planForwardEvaluation(
        _ plan: inout MemoryPlan, input: MemoryPlan.Tensor, _ pass: Pass
    ) -> MemoryPlan.Tensor {
        var current: MemoryPlan.Tensor?
        for unit in units.dropLast() {
            let next = unit.planForward(&plan, pass)
            if let current { plan.end(current) }
            current = next
        }
        var residual = input
        switch shortcut {
        case .identity: break
        case .projection(let unit): residual = unit.planForward(&plan, pass)
        case .subsampling(let shape):
            residual = plan.begin(pass.sampleCount * shape.outputCount) { [unowned self] in subsampled = $0 }
        }
        let result = last.planForward(&plan, inPlaceOf: residual, pass)
        if let current { plan.end(current) }
        if residual != input { plan.end(input) }
        plan.end(residual)
        return result
    }
}
