/// Overwrites values below 0 with 0.
public func rectify(_ values: inout MutableSpan<Float>) {
    for i in values.indices { values[i] = values[i] < 0 ? 0 : values[i] }
}

/// Overwrites the gradient of rectified values with that of what was rectified: 0 where that was not above 0.
///
/// - Parameters:
///   - rectified: The values after `rectify`.
///   - gradient: As many.
public func rectifierGradient(_ rectified: Span<Float>, _ gradient: inout MutableSpan<Float>) {
    precondition(
        rectified.count == gradient.count, "\(rectified.count) values, \(gradient.count) gradients")
    for i in gradient.indices { gradient[i] = rectified[i] > 0 ? gradient[i] : 0 }
}
