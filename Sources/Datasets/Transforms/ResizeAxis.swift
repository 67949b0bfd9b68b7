internal import Memory

/// The input pixels of each output pixel along one axis, and their weights in units of 2⁻²².
///
/// The filter is a triangle widened by the reduction factor, as in Pillow's `BILINEAR`; every
/// output pixel has `taps` weights, and those that Pillow omits are 0. `prepare` reuses the memory.
struct ResizeAxis: ~Copyable {
    @inline(__always) static var precision: Int32 { 22 }
    @inline(__always) static var half: Int32 { 1 << 21 }

    /// Number of weights of each output pixel.
    private(set) var taps = 1
    private(set) var outputCount = 0
    private(set) var inputCount = 0
    private var startStore = Buffer<Int32>(zeros: 0)
    private var weightStore = Buffer<Int32>(zeros: 0)

    /// First input pixel of each output pixel, shape `[outputCount]`; `start + taps` may exceed the
    /// input, with weights of 0 there.
    var starts: Span<Int32> {
        @_lifetime(borrow self) get { startStore.span.extracting(0..<outputCount) }
    }
    /// Weights of each output pixel, shape `[outputCount, taps]`.
    var weights: Span<Int32> {
        @_lifetime(borrow self) get { weightStore.span.extracting(0..<outputCount * taps) }
    }

    /// The input pixels that output pixel `i` may depend on.
    func window(of i: Int) -> Range<Int> {
        let start = Int(starts[i])
        return start..<min(start + taps, inputCount)
    }

    /// Whether rounding of the weights, by at most half a unit each, can produce a level above 255.
    var canPassLimit: Bool { 255 * taps >= 1 << Self.precision }

    /// Whether the resize changes nothing.
    var isIdentity: Bool { inputCount == outputCount }

    init() {}

    init(from inputCount: Int, to outputCount: Int) { prepare(from: inputCount, to: outputCount) }

    /// Converts a sum in units of 2⁻²², which already includes `half`, to a level.
    static func level(_ sum: Int32) -> UInt8 { UInt8(clamping: sum >> precision) }

    mutating func prepare(from inputCount: Int, to outputCount: Int) {
        if inputCount == self.inputCount && outputCount == self.outputCount { return }
        self.inputCount = inputCount
        self.outputCount = outputCount
        let scale = Double(inputCount) / Double(outputCount)
        let support = max(scale, 1)
        let window = { (i: Int) -> Range<Int> in
            let center = (Double(i) + 0.5) * scale
            return max(0, Int(center - support + 0.5))..<min(inputCount, Int(center + support + 0.5))
        }
        taps = (0..<outputCount).reduce(1) { max($0, window($1).count) }
        startStore.reserve(outputCount)
        weightStore.reserve(outputCount * taps)
        for i in 0..<outputCount {
            let center = (Double(i) + 0.5) * scale
            let window = window(i)
            let sum = window.reduce(0) { $0 + Self.triangle($1, center, support) }
            Self.set(Int32(window.lowerBound), at: i, of: &startStore)
            for tap in 0..<taps {
                let j = window.lowerBound + tap
                let part = j < window.upperBound ? Self.triangle(j, center, support) / sum : 0
                Self.set(
                    Int32(part * Double(1 << Self.precision) + 0.5), at: i * taps + tap, of: &weightStore)
            }
        }
    }

    private static func set(_ value: Int32, at index: Int, of buffer: inout Buffer<Int32>) {
        var span = buffer.mutableSpan
        span[index] = value
    }

    private static func triangle(_ j: Int, _ center: Double, _ support: Double) -> Double {
        max(0, 1 - abs((Double(j) - center + 0.5) / support))
    }
}
