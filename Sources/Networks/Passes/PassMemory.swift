internal import Memory

/// The memory for the tensors of one pass at a time, shared by the programs of a classifier.
final class PassMemory {
    private var arena: Arena?
    private var plan: MemoryPlan?
    private var owner: ObjectIdentifier?
    private var kind: FeatureExtractor.Program.Kind?
    private var sampleCount = 0
    private var microbatchCount = 0

    /// Lays out the tensors of a program for a pass, unless the current layout suffices; the pass
    /// then allocates nothing.
    func reserve(
        _ kind: FeatureExtractor.Program.Kind, of owner: FeatureExtractor, _ context: StepContext,
        plan makePlan: () -> MemoryPlan
    ) {
        let microbatches = context.placement.microbatches.count
        guard
            !isHeld(kind, by: owner) || sampleCount < context.sampleCount || microbatchCount < microbatches
        else { return }
        let plan = makePlan()
        release()
        if (arena?.byteCount ?? 0) < plan.byteCount {
            arena = nil
            arena = Arena(byteCount: plan.byteCount)
        }
        plan.bind(in: arena)
        self.plan = plan
        self.owner = ObjectIdentifier(owner)
        self.kind = kind
        sampleCount = context.sampleCount
        microbatchCount = microbatches
    }

    /// Whether a program's tensors have the memory.
    func isHeld(_ kind: FeatureExtractor.Program.Kind, by owner: FeatureExtractor) -> Bool {
        self.owner == ObjectIdentifier(owner) && self.kind == kind
    }

    /// Takes the memory from the tensors that have it.
    func release() {
        plan?.bind(in: nil)
        (plan, owner, kind) = (nil, nil, nil)
    }
}
