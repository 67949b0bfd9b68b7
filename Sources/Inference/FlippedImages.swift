internal import Memory

/// Images with their columns in reverse order.
///
/// - Parameters:
///   - images: Shape `[N, size, size, 3]`.
///   - size: Height and width of an image.
func flipped(_ images: borrowing Buffer<Float>, size: Int) -> Buffer<Float> {
    let channels = 3
    var result = Buffer<Float>(zeros: images.count)
    var target = result.mutableSpan
    let source = images.span
    for start in stride(from: 0, to: source.count, by: size * channels) {
        for x in 0..<size {
            for c in 0..<channels {
                target[start + x * channels + c] = source[start + (size - 1 - x) * channels + c]
            }
        }
    }
    return result
}
