/// The sizes of a two-dimensional convolution without bias, dilation or groups.
///
/// Images are NHWC, weights `[R, S, C, K]`: the `[C, K]` matrix of a kernel position is contiguous,
/// and so is the part of the weight gradient that belongs to one kernel row.
package struct ConvolutionShape: Hashable, Codable, Sendable {
    /// Input size and channels: `H`, `W`, `C`.
    package let height: Int, width: Int, channels: Int
    /// Output channels `K`.
    package let outputChannels: Int
    /// Kernel size `R` = `S`.
    package let kernel: Int
    /// Step between kernel positions, the same along both axes.
    package let stride: Int
    /// Zeros added on each side.
    package let padding: Int

    package init(
        height: Int, width: Int, channels: Int, outputChannels: Int, kernel: Int, stride: Int = 1,
        padding: Int = 0
    ) {
        precondition(
            height + 2 * padding >= kernel && width + 2 * padding >= kernel,
            "a kernel of size \(kernel) does not fit an image of \(height)×\(width) with padding \(padding)")
        precondition(min(channels, outputChannels, kernel, stride) >= 1 && padding >= 0)
        self.height = height
        self.width = width
        self.channels = channels
        self.outputChannels = outputChannels
        self.kernel = kernel
        self.stride = stride
        self.padding = padding
    }

    /// Output height `P`.
    package var outputHeight: Int { (height + 2 * padding - kernel) / stride + 1 }
    /// Output width `Q`.
    package var outputWidth: Int { (width + 2 * padding - kernel) / stride + 1 }
    /// Elements of one input image, `H·W·C`.
    package var inputCount: Int { height * width * channels }
    /// Output positions of one image, `P·Q`.
    package var outputPositions: Int { outputHeight * outputWidth }
    /// Elements of one output image, `P·Q·K`.
    package var outputCount: Int { outputPositions * outputChannels }
    /// Elements of the weights, `R·S·C·K`.
    package var weightCount: Int { patchCount * outputChannels }
    /// Inputs of one output, `R·S·C`.
    package var patchCount: Int { kernel * kernel * channels }
    /// Whether the input in memory is already the matrix of patches.
    package var isPointwise: Bool { kernel == 1 && stride == 1 && padding == 0 }
}
