/// Sweeps of plane rotations over neighbouring rows, collected so that rows are rotated by four
/// sweeps in one pass.
///
/// A sweep starts at a row and rotates it with the next one, then that row with the one after it,
/// and so on, upwards or downwards. Sweeps with the same start and direction form groups of four,
/// each two rotations behind the one before, so that the four rotations at a time touch different
/// rows.
struct RotationBatch {
    /// Up to four sweeps.
    struct Group {
        /// The first row that is rotated.
        let start: Int
        /// From a row to the next in the sweeps' direction, 1 or −1.
        let step: Int
        /// Rotations of the longest sweep, plus the lag of the last one.
        let count: Int
        /// Index of its first coefficient.
        let offset: Int
    }

    /// Sweeps of a group.
    static let sweepCount = 4
    /// Rotations by which a sweep of a group lags behind the one before.
    static let lag = 2
    /// Rows before the first and after the last one that the rotations of absent sweeps touch and
    /// leave unchanged.
    static let margin = (sweepCount - 1) * lag + 1
    /// Coefficients of a rotation: cosine, sine, and the negative sine, which would otherwise take
    /// an instruction per vector.
    static let coefficientCount = 3

    /// Shape `[rotations, 4, 3]` for each group; rotations of absent sweeps are the identity.
    private(set) var coefficients: [Double] = []
    private(set) var groups: [Group] = []
    private var sweepsOfLast = 0

    /// Whether there are as many coefficients as the L2 cache should hold beside rows.
    var isFull: Bool { groups.count >= 8 }

    /// Begins a sweep of `length` rotations, which are the identity until they are set.
    mutating func beginSweep(start: Int, step: Int, length: Int) {
        let count = length + (Self.sweepCount - 1) * Self.lag
        if let last = groups.last, last.start == start, last.step == step, count <= last.count,
            sweepsOfLast < Self.sweepCount
        {
            sweepsOfLast += 1
            return
        }
        sweepsOfLast = 1
        groups.append(Group(start: start, step: step, count: count, offset: coefficients.count))
        coefficients.reserveCapacity(coefficients.count + count * Self.sweepCount * Self.coefficientCount)
        for _ in 0..<count * Self.sweepCount {
            coefficients.append(1)
            coefficients.append(0)
            coefficients.append(0)
        }
    }

    /// Sets rotation `index` of the sweep that was begun last: `(x, y)` becomes
    /// `(c x + s y, c y − s x)`.
    @inline(__always)
    mutating func set(_ index: Int, cosine: Double, sine: Double) {
        let sweep = sweepsOfLast - 1
        let rotation = (index + Self.lag * sweep) * Self.sweepCount + sweep
        let place = groups[groups.count - 1].offset + rotation * Self.coefficientCount
        coefficients[place] = cosine
        coefficients[place + 1] = sine
        coefficients[place + 2] = -sine
    }

    mutating func removeAll() {
        coefficients.removeAll(keepingCapacity: true)
        groups.removeAll(keepingCapacity: true)
        sweepsOfLast = 0
    }
}
