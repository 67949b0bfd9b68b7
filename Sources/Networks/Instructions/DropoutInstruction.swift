internal import Kernels
internal import Memory
internal import Numerics

/// A dropout layer.
struct Dropout: Sendable {
    /// The fraction of elements that are set to 0.
    let rate: Double
    /// Its number among the dropout layers of the network.
    let number: Int
}

/// Sets elements to 0 at random. Which ones follows from the seed, the step, the sample's place in
/// the global batch and the layer alone, so the gradient, and the values if they are computed
/// again, lose the same ones.
struct DropoutInstruction: Instruction {
    let layer: Dropout
    let map: LayerGraph.Map
    let input: MapView
    let output: PassTensor<Float>

    var reads: [any PlannedTensor] { [input.tensor].compactMap(\.self) }
    var writes: [any PlannedTensor] { [output] }
    var overwritten: (any PlannedTensor)? { input.tensor }

    func run(_ pass: borrowing PassInputs) {
        let context = pass.context
        let (number, numbers) = (layer.number, context.numbers)
        let first = context.placement.samples.lowerBound
        input.withPrologue(pass) { input in
            let input = copy input
            let shape = map.shape(context)
            withSpans(into: &output.values, count: shape.count) {
                dropElements(input, shape, rate: layer.rate, into: &$0, on: context.pool) { sample in
                    RandomStream(
                        seed: numbers.seed, purpose: .layerDropout, numbers.step, first + sample
                    ).branch(number)
                }
            }
        }
    }
}
