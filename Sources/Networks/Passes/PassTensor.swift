internal import Kernels
internal import Memory

/// A tensor that exists during a part of a pass.
final class PassTensor<Element: BitwiseCopyable & Numeric> {
    /// Elements for one sample.
    let sampleSize: Int
    /// How the elements lie in memory.
    let storage: MapStorage
    /// Shape `[N, …]`; its memory is planned.
    var values = Buffer<Element>(zeros: 0)

    init(sampleSize: Int, storage: MapStorage = .float32) {
        self.sampleSize = sampleSize
        self.storage = storage
    }

    /// Elements of `values` that a batch takes.
    func count(_ context: StepContext) -> Int { storage.floatCount(context.sampleCount * sampleSize) }
}

extension PassTensor<Float> {
    /// Calls `body` with the elements.
    func withMap<Result>(_ body: (MapSpan) throws -> Result) rethrows -> Result {
        try withSpans(values) { try body(MapSpan($0, storage)) }
    }
}

/// A tensor of any element type, as a memory plan sees it.
protocol PlannedTensor: AnyObject {
    /// Bytes for one sample.
    var sampleByteCount: Int { get }

    /// Begins the tensor's lifetime in `plan`.
    func begin(
        in plan: inout MemoryPlan, sampleCount: Int, inPlaceOf place: MemoryPlan.Tensor?
    ) -> MemoryPlan.Tensor
}

extension PassTensor: PlannedTensor {
    var sampleByteCount: Int { storage.floatCount(sampleSize) * MemoryLayout<Element>.stride }

    func begin(
        in plan: inout MemoryPlan, sampleCount: Int, inPlaceOf place: MemoryPlan.Tensor?
    ) -> MemoryPlan.Tensor {
        plan.begin(storage.floatCount(sampleCount * sampleSize), inPlaceOf: place) { [unowned self] in
            values = $0
        }
    }
}
