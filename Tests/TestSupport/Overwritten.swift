/// What `body` leaves in a span of `count` NaNs: a kernel that overwrites leaves none of them.
public func overwritten<Failure>(
    _ count: Int, by body: (inout MutableSpan<Float>) throws(Failure) -> Void
) throws(Failure) -> [Float] {
    var values = [Float](repeating: .nan, count: count)
    var span = values.mutableSpan
    try body(&span)
    return values
}

/// What `body` leaves in a span of `count` NaNs of double precision.
public func overwrittenDoubles<Failure>(
    _ count: Int, by body: (inout MutableSpan<Double>) throws(Failure) -> Void
) throws(Failure) -> [Double] {
    var values = [Double](repeating: .nan, count: count)
    var span = values.mutableSpan
    try body(&span)
    return values
}
