package import Workers

/// Overwrites `output` with a batch filtered by `[1 2 1] ⊗ [1 2 1] / 16`, channel by channel, with
/// zeros outside the image (Zhang, "Making convolutional networks shift-invariant again", arXiv
/// 1904.11486).
///
/// The filter is symmetric, so the gradient of the input is the filtered gradient of the output.
///
/// - Parameters:
///   - input: Shape `[N, H, W, C]`, `C` a multiple of 16.
///   - output: Shape of `input`.
package func blur(
    _ input: Span<Float>, height: Int, width: Int, channels: Int, into output: inout MutableSpan<Float>,
    on pool: WorkerPool
) {
    precondition(channels.isMultiple(of: vectorWidth), "\(channels) channels, no multiple of \(vectorWidth)")
    let row = width * channels
    pool.split(&output, every: row) { index, part in
        let y = index % height
        let start = index * row
        // Three rows, weighted 1 2 1; those outside the image are left out.
        @inline(__always)
        func column(_ x: Int, _ c: Int) -> Vector {
            let place = start + x * channels + c
            let middle = input.vector(at: place)
            var sum = middle + middle
            if y > 0 { sum += input.vector(at: place - row) }
            if y + 1 < height { sum += input.vector(at: place + row) }
            return sum
        }
        for c in stride(from: 0, to: channels, by: vectorWidth) {
            var left = Vector()
            var middle = column(0, c)
            for x in 0..<width {
                let right = x + 1 < width ? column(x + 1, c) : Vector()
                part.store(
                    (left + right + (middle + middle)) * Vector(repeating: 1 / 16), at: x * channels + c)
                left = middle
                middle = right
            }
        }
    }
}
