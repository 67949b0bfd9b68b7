// Tiles for the last rows of a matrix, where a tile of fourteen rows would discard most of its
// products. Eight and four rows have enough independent chains to keep the multipliers busy.

/// The first eight rows of a tile of fourteen, by two panels.
func multiply8x32(
    _ left: UnsafePointer<Float>, _ right: UnsafePointer<Float>, panelStride: Int, chunks: Int, rows: Int,
    _ product: UnsafeMutablePointer<Float>, stride: Int, accumulates: Bool
) {
    var left = unsafe left
    var right = unsafe right
    var r0 = WideRow()
    var r1 = WideRow()
    var r2 = WideRow()
    var r3 = WideRow()
    var r4 = WideRow()
    var r5 = WideRow()
    var r6 = WideRow()
    var r7 = WideRow()
    if accumulates {
        if rows > 0 { unsafe r0.load(product + 0 * stride) }
        if rows > 1 { unsafe r1.load(product + 1 * stride) }
        if rows > 2 { unsafe r2.load(product + 2 * stride) }
        if rows > 3 { unsafe r3.load(product + 3 * stride) }
        if rows > 4 { unsafe r4.load(product + 4 * stride) }
        if rows > 5 { unsafe r5.load(product + 5 * stride) }
        if rows > 6 { unsafe r6.load(product + 6 * stride) }
        if rows > 7 { unsafe r7.load(product + 7 * stride) }
    }
    for _ in 0..<chunks {
        for k in 0..<16 {
            let b = unsafe WideRow(right + k * 16, panelStride)
            unsafe r0.add(left[0 + k], b)
            unsafe r1.add(left[16 + k], b)
            unsafe r2.add(left[32 + k], b)
            unsafe r3.add(left[48 + k], b)
            unsafe r4.add(left[64 + k], b)
            unsafe r5.add(left[80 + k], b)
            unsafe r6.add(left[96 + k], b)
            unsafe r7.add(left[112 + k], b)
        }
        unsafe left += tileRows * 16
        unsafe right += 256
    }
    if rows > 0 { unsafe r0.store(product + 0 * stride) }
    if rows > 1 { unsafe r1.store(product + 1 * stride) }
    if rows > 2 { unsafe r2.store(product + 2 * stride) }
    if rows > 3 { unsafe r3.store(product + 3 * stride) }
    if rows > 4 { unsafe r4.store(product + 4 * stride) }
    if rows > 5 { unsafe r5.store(product + 5 * stride) }
    if rows > 6 { unsafe r6.store(product + 6 * stride) }
    if rows > 7 { unsafe r7.store(product + 7 * stride) }
}

/// The first four rows of a tile of fourteen, by two panels.
func multiply4x32(
    _ left: UnsafePointer<Float>, _ right: UnsafePointer<Float>, panelStride: Int, chunks: Int, rows: Int,
    _ product: UnsafeMutablePointer<Float>, stride: Int, accumulates: Bool
) {
    var left = unsafe left
    var right = unsafe right
    var r0 = WideRow()
    var r1 = WideRow()
    var r2 = WideRow()
    var r3 = WideRow()
    if accumulates {
        if rows > 0 { unsafe r0.load(product + 0 * stride) }
        if rows > 1 { unsafe r1.load(product + 1 * stride) }
        if rows > 2 { unsafe r2.load(product + 2 * stride) }
        if rows > 3 { unsafe r3.load(product + 3 * stride) }
    }
    for _ in 0..<chunks {
        for k in 0..<16 {
            let b = unsafe WideRow(right + k * 16, panelStride)
            unsafe r0.add(left[0 + k], b)
            unsafe r1.add(left[16 + k], b)
            unsafe r2.add(left[32 + k], b)
            unsafe r3.add(left[48 + k], b)
        }
        unsafe left += tileRows * 16
        unsafe right += 256
    }
    if rows > 0 { unsafe r0.store(product + 0 * stride) }
    if rows > 1 { unsafe r1.store(product + 1 * stride) }
    if rows > 2 { unsafe r2.store(product + 2 * stride) }
    if rows > 3 { unsafe r3.store(product + 3 * stride) }
}
