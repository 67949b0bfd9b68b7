package import Kernels

/// The specification of `subsampleAndPadChannels`: `x[:, ::2, ::2]` with zero channels in front and
/// behind.
package func plainSubsampleAndPadChannels(_ input: [Double], _ shape: ConvolutionShape) -> [Double] {
    let samples = input.count / shape.inputCount
    let front = (shape.outputChannels - shape.channels) / 2
    var output = [Double](repeating: 0, count: samples * shape.outputCount)
    for n in 0..<samples {
        for p in 0..<shape.outputHeight {
            for q in 0..<shape.outputWidth {
                for c in 0..<shape.channels {
                    let source = ((n * shape.height + 2 * p) * shape.width + 2 * q) * shape.channels + c
                    let position = (n * shape.outputHeight + p) * shape.outputWidth + q
                    output[position * shape.outputChannels + front + c] = input[source]
                }
            }
        }
    }
    return output
}
