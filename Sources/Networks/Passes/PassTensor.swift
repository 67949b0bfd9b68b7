internal import Memory

/// A tensor that exists during a part of a pass.
final class PassTensor<Element: BitwiseCopyable & Numeric> {
    /// Elements for one sample.
    let sampleSize: Int
    /// Shape `[N, …]`; its memory is planned.
    var values = Buffer<Element>(zeros: 0)

    init(sampleSize: Int) { self.sampleSize = sampleSize }
}

/// A tensor of any element type, as a memory plan sees it.
protocol PlannedTensor: AnyObject {
    /// Begins the tensor's lifetime in `plan`.
    func begin(
        in plan: inout MemoryPlan, sampleCount: Int, inPlaceOf place: MemoryPlan.Tensor?
    ) -> MemoryPlan.Tensor
}

extension PassTensor: PlannedTensor {
    func begin(
        in plan: inout MemoryPlan, sampleCount: Int, inPlaceOf place: MemoryPlan.Tensor?
    ) -> MemoryPlan.Tensor {
        plan.begin(sampleCount * sampleSize, inPlaceOf: place) { [unowned self] in values = $0 }
    }
}
