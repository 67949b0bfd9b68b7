internal import Memory
package import Numerics
package import Workers

/// Overwrites `output` with a prologue's values, a fraction of which are set to 0 at random; the others
/// are divided by the fraction that is left.
///
/// An element is set to 0 if its number, 24 bits of its sample's stream, is below `rate`. Its word
/// is that of its place in the groups of `RandomStream.group(_:)`, so it does not depend on how the
/// batch is split. The gradient is the same function of the output's gradient.
///
/// - Parameters:
///   - prologue: Shape `[N, positions, C]`, `C` a multiple of 16.
///   - rate: At least 0 and below 1.
///   - output: Shape of `prologue`.
///   - stream: The random numbers of a sample.
package func dropElements(
    _ prologue: borrowing Prologue, _ shape: MapShape, rate: Double, into output: inout MutableSpan<Float>,
    on pool: WorkerPool, numbersOf stream: @escaping @Sendable (Int) -> RandomStream
) {
    shape.checkChannels()
    precondition(0 <= rate && rate < 1, "a fraction of \(rate) set to 0")
    let dropping = ElementDropping(
        channels: shape.channels, threshold: UInt32((rate * 0x1p24).rounded()),
        scale: Float(1 / (1 - rate)))
    let prologue = copy prologue
    var used = output.part(0..<shape.count)
    pool.split(&used, every: shape.sampleSize) { sample, part in
        switch prologue.reading {
        case .plain: dropping.store(prologue, PlainReader.self, sample, stream(sample), into: &part)
        case .normalized:
            dropping.store(prologue, NormalizedReader.self, sample, stream(sample), into: &part)
        case .combined:
            dropping.store(prologue, CombinedReader.self, sample, stream(sample), into: &part)
        }
    }
}

private struct ElementDropping: Sendable {
    let channels: Int
    /// Numbers of 24 bits below it set their element to 0.
    let threshold: UInt32
    let scale: Float

    /// Overwrites one sample's part of the output.
    @inline(__always)
    func store<Reader: ChannelReader>(
        _ prologue: borrowing Prologue, _: Reader.Type, _ sample: Int, _ stream: RandomStream,
        into part: inout MutableSpan<Float>
    ) {
        let start = sample * part.count
        let samplesGroup = prologue.groups.group(of: sample)
        let zero = Vector()
        var numbers = stream.group(0)
        for place in stride(from: 0, to: part.count, by: vectorWidth) {
            let (group, offset) = place.quotientAndRemainder(dividingBy: RandomStream.groupSize)
            if offset == 0 && group > 0 { numbers = stream.group(group) }
            let words =
                switch offset / vectorWidth {
                case 0: numbers.0
                case 1: numbers.1
                case 2: numbers.2
                default: numbers.3
                }
            let reader = Reader(
                prologue, group: samplesGroup, channel: place % channels, channels: channels)
            let kept = reader.vector(prologue, at: start + place) * Vector(repeating: scale)
            let isDropped = words &>> 8 .< SIMD16(repeating: threshold)
            part.store(kept.replacing(with: zero, where: isDropped), at: place)
        }
    }
}
