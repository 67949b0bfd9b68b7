package import Kernels

/// Values as 14-bit integers and a scale, in blocks of 512.
package struct PlainInt14Block: Sendable {
    let integers: [Int]
    let scale: Float
}

/// Rounds each block's values to multiples of the power of two that makes the largest one at most
/// 8,191 times as large.
package func plainInt14Blocks(_ values: [Float]) -> [PlainInt14Block] {
    stride(from: 0, to: values.count, by: 512).map { start in
        let block = values[start..<min(start + 512, values.count)]
        let largest = block.map(\.magnitude).max() ?? 0
        guard largest > 0 else { return PlainInt14Block(integers: block.map { _ in 0 }, scale: 1) }
        // The largest value is below 2^(e + 1), but not so close that it would be rounded up to it.
        let isClose = largest.significand >= 2 - 0x1p-12
        let exponent = Int(largest.exponent) + (isClose ? 1 : 0) - 12
        let scale = Float(sign: .plus, exponent: exponent, significand: 1)
        return PlainInt14Block(
            integers: block.map { Int(($0 / scale).rounded(.toNearestOrEven)) }, scale: scale)
    }
}

/// Exact sums of 32 products, added in single precision, block by block.
package func plainInt14Product(_ left: [PlainInt14Block], _ right: [PlainInt14Block]) -> Float {
    var sum: Float = 0
    for (index, (a, b)) in zip(left, right).enumerated() {
        var own: Float = 0
        for start in stride(from: 0, to: a.integers.count, by: 32) {
            let chunk = start..<min(start + 32, a.integers.count)
            own += Float(chunk.reduce(0) { $0 + a.integers[$1] * b.integers[$1] })
        }
        own *= b.scale * a.scale
        sum = index == 0 ? own : sum + own
    }
    return sum
}

/// The patch of an output position, `[R, S, C]`, with zeros outside the image.
package func plainPatch(
    _ input: [Float], _ shape: ConvolutionShape, sample: Int, row p: Int, column q: Int
) -> [Float] {
    (0..<shape.patchCount).map { k in
        let (tap, c) = k.quotientAndRemainder(dividingBy: shape.channels)
        let y = p * shape.stride + tap / shape.kernel - shape.padding
        let x = q * shape.stride + tap % shape.kernel - shape.padding
        guard 0..<shape.height ~= y && 0..<shape.width ~= x else { return 0 }
        return input[((sample * shape.height + y) * shape.width + x) * shape.channels + c]
    }
}
