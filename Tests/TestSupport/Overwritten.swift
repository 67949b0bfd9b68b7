/// Calls `body` with a span of `count` NaNs and returns the result; a kernel that overwrites its
/// output leaves no NaN.
package func overwritten<Failure>(
    _ count: Int, by body: (inout MutableSpan<Float>) throws(Failure) -> Void
) throws(Failure) -> [Float] {
    var values = [Float](repeating: .nan, count: count)
    var span = values.mutableSpan
    try body(&span)
    return values
}

/// The same in double precision.
package func overwrittenDoubles<Failure>(
    _ count: Int, by body: (inout MutableSpan<Double>) throws(Failure) -> Void
) throws(Failure) -> [Double] {
    var values = [Double](repeating: .nan, count: count)
    var span = values.mutableSpan
    try body(&span)
    return values
}
