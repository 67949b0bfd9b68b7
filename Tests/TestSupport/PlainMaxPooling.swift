package import Kernels

/// The specification of `maxPool`: the largest input of each window and its index in `input`, the
/// first one for ties.
package func plainMaxPool(
    _ input: [Double], _ shape: ConvolutionShape
) -> (output: [Double], places: [Int]) {
    var output: [Double] = []
    var places: [Int] = []
    for n in 0..<input.count / shape.inputCount {
        for p in 0..<shape.outputHeight {
            for q in 0..<shape.outputWidth {
                for c in 0..<shape.channels {
                    let window = plainWindow(n, p, q, c, shape)
                    let largest = window.map { input[$0] }.max() ?? -.infinity
                    output.append(largest)
                    places.append(window.first { input[$0] == largest } ?? -1)
                }
            }
        }
    }
    return (output, places)
}

/// The gradient of `plainMaxPool`'s input: each output's gradient is added at its index.
package func plainMaxPoolGradient(
    _ outputGradient: [Double], places: [Int], inputCount: Int
) -> [Double] {
    var gradient = [Double](repeating: 0, count: inputCount)
    for (place, value) in zip(places, outputGradient) { gradient[place] += value }
    return gradient
}

/// The input indices of one output's window, in scan order.
private func plainWindow(_ n: Int, _ p: Int, _ q: Int, _ c: Int, _ shape: ConvolutionShape) -> [Int] {
    (0..<shape.kernel * shape.kernel).compactMap { position in
        let y = p * shape.stride + position / shape.kernel - shape.padding
        let x = q * shape.stride + position % shape.kernel - shape.padding
        guard (0..<shape.height).contains(y), (0..<shape.width).contains(x) else { return nil }
        return ((n * shape.height + y) * shape.width + x) * shape.channels + c
    }
}
