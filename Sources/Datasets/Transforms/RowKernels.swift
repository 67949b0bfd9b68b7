/// The row kernels of a transform. Levels are 0...255 stored as `Int32`, three per pixel.

/// Overwrites the beginning of `levels` with `bytes`.
func widen(_ bytes: Span<UInt8>, into levels: inout MutableSpan<Int32>) {
    for i in bytes.indices { levels[i] = Int32(bytes[i]) }
}

/// Overwrites `target` with the first elements of `source`.
func copy(_ source: Span<Int32>, into target: inout MutableSpan<Int32>) {
    let source = source.extracting(0..<target.count)
    for i in target.indices { target[i] = source[i] }
}

/// Overwrites the beginning of `levels` with the pixels of `bytes` in reverse order.
func widenFlipped(_ bytes: Span<UInt8>, into levels: inout MutableSpan<Int32>) {
    var from = bytes.count - 3
    for to in stride(from: 0, to: bytes.count, by: 3) {
        levels[to] = Int32(bytes[from])
        levels[to + 1] = Int32(bytes[from + 1])
        levels[to + 2] = Int32(bytes[from + 2])
        from -= 3
    }
}

/// Overwrites `count` pixels of `target` with pixels `first`, `first + step`, … of a resized row.
///
/// Each tap of a pixel takes one load, one product and one sum of a vector of four elements: the
/// three levels of the pixel, and a fourth element that the next pixel overwrites.
///
/// - Parameters:
///   - source: The row before the resize, followed by room for `axis.taps` pixels and one element.
///   - target: The resized pixels, followed by room for one element, which is overwritten, too.
func resizeRow(
    _ source: Span<Int32>, along axis: borrowing ResizeAxis, from first: Int, step: Int, count: Int,
    into target: inout MutableSpan<Int32>
) {
    precondition(target.count > 3 * count, "\(count) pixels into \(target.count) elements")
    precondition(
        source.count > 3 * (axis.inputCount + axis.taps), "\(axis.inputCount) pixels in \(source.count)")
    let last = first + (count - 1) * step
    precondition(
        min(first, last) >= 0 && max(first, last) < axis.outputCount, "columns \(first) to \(last)")
    let (starts, weights) = (axis.starts, axis.weights)
    // The compiler unrolls loops of constant length: enlarged images have two taps, slightly
    // reduced images three or four.
    switch axis.taps {
    case 2: resizeRow(source, starts, weights, 2, first, step, count, &target)
    case 3: resizeRow(source, starts, weights, 3, first, step, count, &target)
    case 4: resizeRow(source, starts, weights, 4, first, step, count, &target)
    default: resizeRow(source, starts, weights, axis.taps, first, step, count, &target)
    }
}

@inline(__always)
private func resizeRow(
    _ source: Span<Int32>, _ starts: Span<Int32>, _ weights: Span<Int32>, _ taps: Int, _ first: Int,
    _ step: Int, _ count: Int, _ target: inout MutableSpan<Int32>
) {
    var column = first
    for pixel in 0..<count {
        var sum = SIMD4<Int32>(repeating: ResizeAxis.half)
        let from = 3 &* Int(starts.element(at: column))
        let weight = column &* taps
        var tap = 0
        while tap < taps {
            sum &+= source.pixel(at: from &+ 3 &* tap) &* weights.element(at: weight &+ tap)
            tap &+= 1
        }
        target.store(sum &>> ResizeAxis.precision, at: 3 &* pixel)
        column &+= step
    }
}

/// Converts sums of products in units of 2⁻²² to levels, without clamping to 255.
func roundToLevels(_ sums: inout MutableSpan<Int32>) {
    for i in sums.indices { sums[i] = sums[i] &>> ResizeAxis.precision }
}

/// Clamps levels to 255; only thousands of rounded weights can sum up to more.
func limitLevels(_ levels: inout MutableSpan<Int32>) {
    for i in levels.indices { levels[i] = min(levels[i], 255) }
}

/// Overwrites `sums` with `weight` times `row`, plus `ResizeAxis.half` for rounding.
func beginSum(_ row: Span<Int32>, weight: Int32, into sums: inout MutableSpan<Int32>) {
    let row = row.extracting(0..<sums.count)
    for i in sums.indices { sums[i] = ResizeAxis.half &+ weight &* row[i] }
}

/// Adds `weight` times `row` to `sums`.
func accumulate(_ row: Span<Int32>, weight: Int32, into sums: inout MutableSpan<Int32>) {
    let row = row.extracting(0..<sums.count)
    for i in sums.indices { sums[i] &+= weight &* row[i] }
}

// The three functions below do not check bounds in a release build: `resizeRow` has checked them.

extension Span<Int32> {
    @inline(__always)
    fileprivate func element(at index: Int) -> Int32 {
        assert(index >= 0 && index < count, "element \(index) of \(count)")
        return unsafe self[unchecked: index]
    }

    /// Loads three levels from `index` on, and the element after them.
    @inline(__always)
    fileprivate func pixel(at index: Int) -> SIMD4<Int32> {
        assert(index >= 0 && index + 4 <= count, "pixel at \(index) of \(count) elements")
        return unsafe withUnsafeBufferPointer {
            unsafe UnsafeRawPointer($0.baseAddress.unsafelyUnwrapped + index).loadUnaligned(
                as: SIMD4<Int32>.self)
        }
    }
}

extension MutableSpan<Int32> {
    /// Stores four elements from `index` on.
    @inline(__always)
    fileprivate mutating func store(_ pixel: SIMD4<Int32>, at index: Int) {
        assert(index >= 0 && index + 4 <= count, "pixel at \(index) of \(count) elements")
        unsafe withUnsafeMutableBufferPointer {
            unsafe UnsafeMutableRawPointer($0.baseAddress.unsafelyUnwrapped + index).storeBytes(
                of: pixel, as: SIMD4<Int32>.self)
        }
    }
}
