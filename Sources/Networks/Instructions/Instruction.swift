/// One operation of a pass: a kernel with what is fused to it.
///
/// The memory of a pass follows from what its instructions read and write, so an instruction names
/// every tensor that `run` uses.
protocol Instruction {
    /// The tensors that `run` reads.
    var reads: [any PlannedTensor] { get }
    /// The tensors that `run` writes.
    var writes: [any PlannedTensor] { get }
    /// A tensor among `reads` that the first of `writes` may overwrite element by element.
    var overwritten: (any PlannedTensor)? { get }

    /// Begins the memory that only `run` needs.
    func planScratch(_ plan: inout MemoryPlan, _ context: StepContext) -> [MemoryPlan.Tensor]

    func run(_ pass: borrowing PassInputs) throws
}

extension Instruction {
    var overwritten: (any PlannedTensor)? { nil }

    func planScratch(_ plan: inout MemoryPlan, _ context: StepContext) -> [MemoryPlan.Tensor] { [] }
}
