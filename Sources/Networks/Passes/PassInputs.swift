internal import Kernels
internal import Memory

/// What the instructions of a pass share: its inputs, the parameters, and the context.
struct PassInputs: ~Escapable {
    /// Shape `[N, H, W, 3]`, normalised.
    let images: Span<Float>
    /// Gradient of the pass's result: of the features, shape `[N, D]`, or of a map.
    let resultGradient: Span<Float>
    let store: ParameterStore
    let context: StepContext

    @_lifetime(copy images, copy resultGradient)
    init(images: Span<Float>, resultGradient: Span<Float>, _ store: ParameterStore, _ context: StepContext) {
        self.images = images
        self.resultGradient = resultGradient
        self.store = store
        self.context = context
    }
}
