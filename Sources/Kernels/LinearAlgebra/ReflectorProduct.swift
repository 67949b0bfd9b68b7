extension Tridiagonalization {
    /// `Qᵀ`.
    ///
    /// Golub, Van Loan, section 5.1.6: applies the reflections from the last to the first and skips
    /// columns that are still those of the identity; four at a time as `1 − V F Vᵀ`, section 5.1.7.
    func orthogonalRows() -> RotatedRows {
        let (dimension, stride) = (diagonal.count, stride)
        let groups = Swift.stride(from: 0, to: dimension, by: 4).map(negativeFactors)
        let reflectors = reflectors.span
        var rows = RotatedRows(dimension: dimension)
        rows.forEachStrip { strip, part in
            let columns = strip * 16..<min(strip * 16 + 16, dimension)
            for c in columns { part[(c + RotationBatch.margin) * 16 + c % 16] = 1 }
            for group in Swift.stride(from: (columns.upperBound - 1) / 4, through: 0, by: -1) {
                let place = group * 4 * stride
                let reflectors = reflectors.extracting(place..<min(place + 4 * stride, reflectors.count))
                let range = group * 4 + 1..<dimension
                if buildHasAVX512 {
                    reflect(
                        &part, by: reflectors, stride, groups[group], rows: range, column: 0,
                        as: SIMD16<Double>.self)
                } else {
                    for column in [0, 8] {
                        reflect(
                            &part, by: reflectors, stride, groups[group], rows: range, column: column,
                            as: SIMD8<Double>.self)
                    }
                }
            }
        }
        return rows.transposed()
    }

    /// `−F` where `H_k H_{k+1} H_{k+2} H_{k+3} = 1 − V F Vᵀ`: shape `[4, 4]`, the upper triangle.
    private func negativeFactors(from k: Int) -> InlineArray<16, Double> {
        var result = InlineArray<16, Double>(repeating: 0)
        let reflectors = reflectors.span
        for i in 0..<min(4, diagonal.count - k) {
            let start = (k + i) & ~7
            let last = reflectors.extracting((k + i) * stride + start..<(k + i + 1) * stride)
            var products = InlineArray<4, Double>(repeating: 0)
            for a in 0..<i {
                let earlier = reflectors.extracting((k + a) * stride + start..<(k + a + 1) * stride)
                products[a] = dotProduct(earlier, last)
            }
            for a in 0..<i {
                var sum = 0.0
                for b in a..<i { sum = sum.addingProduct(result[4 * a + b], products[b]) }
                result[4 * a + i] = -factors[k + i] * sum
            }
            result[5 * i] = -factors[k + i]
        }
        return result
    }
}

/// Adds `V (−F) Vᵀ S` to some columns `S` of a strip.
///
/// - Parameters:
///   - reflectors: The columns of `V`, shape `[4, stride]`.
///   - f: `−F`, shape `[4, 4]`.
///   - rows: The rows in which the reflectors are not 0.
@inline(__always)
private func reflect<Part: SIMD>(
    _ strip: inout MutableSpan<Double>, by reflectors: Span<Double>, _ stride: Int,
    _ f: InlineArray<16, Double>, rows: Range<Int>, column: Int, as: Part.Type
) where Part.Scalar == Double {
    let first = RotationBatch.margin * RotatedRows.stripWidth + column
    precondition(
        reflectors.count == 4 * stride && rows.upperBound <= stride
            && first + rows.upperBound * RotatedRows.stripWidth <= strip.count,
        "\(reflectors.count) elements of reflectors, rows \(rows) of \(strip.count) elements")
    var s0 = Part()
    var s1 = Part()
    var s2 = Part()
    var s3 = Part()
    for r in rows {
        let row = strip.vector(at: first &+ r &* RotatedRows.stripWidth, as: Part.self)
        s0 = s0.addingProduct(reflectors.element(at: r), row)
        s1 = s1.addingProduct(reflectors.element(at: stride &+ r), row)
        s2 = s2.addingProduct(reflectors.element(at: 2 &* stride &+ r), row)
        s3 = s3.addingProduct(reflectors.element(at: 3 &* stride &+ r), row)
    }
    let y0 = (s0 * f[0]).addingProduct(f[1], s1).addingProduct(f[2], s2).addingProduct(f[3], s3)
    let y1 = (s1 * f[5]).addingProduct(f[6], s2).addingProduct(f[7], s3)
    let y2 = (s2 * f[10]).addingProduct(f[11], s3)
    let y3 = s3 * f[15]
    for r in rows {
        let place = first &+ r &* RotatedRows.stripWidth
        let row = strip.vector(at: place, as: Part.self)
        let sum = row.addingProduct(reflectors.element(at: r), y0)
            .addingProduct(reflectors.element(at: stride &+ r), y1)
            .addingProduct(reflectors.element(at: 2 &* stride &+ r), y2)
            .addingProduct(reflectors.element(at: 3 &* stride &+ r), y3)
        strip.store(sum, at: place)
    }
}
