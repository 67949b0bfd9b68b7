internal import Kernels
internal import Memory

/// The constants of a normalisation, repeated for each element of a row, so that the loop over a
/// row needs no inner loop over channels.
struct NormalizationRow: ~Copyable {
    private var normalization: ChannelNormalization?
    private var size = 0
    private var means = Buffer<Float>(zeros: 0)
    private var deviations = Buffer<Float>(zeros: 0)

    /// Computes the constants for rows of `size` pixels.
    mutating func prepare(_ normalization: ChannelNormalization, size: Int) {
        if self.normalization == normalization && self.size == size { return }
        self.normalization = normalization
        self.size = size
        means = Buffer((0..<3 * size).map { normalization.mean[$0 % 3] }, default: 0)
        deviations = Buffer((0..<3 * size).map { normalization.deviation[$0 % 3] }, default: 1)
    }

    /// Overwrites a row: `columns` with the first elements of `levels`, normalised, and the rest
    /// with normalised black.
    func write(_ levels: Span<Int32>, to columns: Range<Int>, of row: inout MutableSpan<Float>) {
        var before = row.part(0..<3 * columns.lowerBound)
        fillBlack(&before)
        var inside = row.part(3 * columns.lowerBound..<3 * columns.upperBound)
        normalize(levels, means: means.span, deviations: deviations.span, into: &inside)
        var after = row.part(3 * columns.upperBound..<row.count)
        fillBlack(&after)
    }

    /// Overwrites a row of levels 0...255 with their normalised values.
    func normalizeLevels(_ row: inout MutableSpan<Float>) {
        let means = means.span.extracting(0..<row.count)
        let deviations = deviations.span.extracting(0..<row.count)
        for i in row.indices { row[i] = (row[i] / 255 - means[i]) / deviations[i] }
    }

    /// Overwrites pixels with normalised black.
    func fillBlack(_ pixels: inout MutableSpan<Float>) {
        let means = means.span.extracting(0..<pixels.count)
        let deviations = deviations.span.extracting(0..<pixels.count)
        for i in pixels.indices { pixels[i] = (0 - means[i]) / deviations[i] }
    }
}

/// Overwrites a row: `columns` with the first elements of `levels`, unchanged, and the rest with
/// black (0).
func writeLevels(_ levels: Span<Int32>, to columns: Range<Int>, of row: inout MutableSpan<Float>) {
    row.update(repeating: 0)
    for i in 0..<3 * columns.count { row[3 * columns.lowerBound + i] = Float(levels[i]) }
}

/// Overwrites `pixels` with `(level / 255 − mean) / deviation`, in single precision.
private func normalize(
    _ levels: Span<Int32>, means: Span<Float>, deviations: Span<Float>, into pixels: inout MutableSpan<Float>
) {
    let levels = levels.extracting(0..<pixels.count)
    let means = means.extracting(0..<pixels.count)
    let deviations = deviations.extracting(0..<pixels.count)
    for i in pixels.indices { pixels[i] = (Float(levels[i]) / 255 - means[i]) / deviations[i] }
}
