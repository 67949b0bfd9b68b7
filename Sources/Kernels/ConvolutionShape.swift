/// The sizes of a two-dimensional convolution without bias, dilation or groups.
///
/// Images are NHWC, weights `[R, S, C, K]`: the `[C, K]` matrix of a kernel position is contiguous,
/// and so is the part of the weight gradient that belongs to one kernel row.
public struct ConvolutionShape: Hashable, Codable, Sendable {
    /// Input size and channels: `H`, `W`, `C`.
    public let height: Int, width: Int, channels: Int
    /// Output channels `K`.
    public let outputChannels: Int
    /// Kernel size `R` = `S`.
    public let kernel: Int
    /// Step between kernel positions, the same along both axes.
    public let stride: Int
    /// Zeros added on each side.
    public let padding: Int

    public init(
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
    public var outputHeight: Int { (height + 2 * padding - kernel) / stride + 1 }
    /// Output width `Q`.
    public var outputWidth: Int { (width + 2 * padding - kernel) / stride + 1 }
    /// Elements of one input image, `H·W·C`.
    public var inputCount: Int { height * width * channels }
    /// Output positions of one image, `P·Q`.
    public var outputPositions: Int { outputHeight * outputWidth }
    /// Elements of one output image, `P·Q·K`.
    public var outputCount: Int { outputPositions * outputChannels }
    /// Elements of the weights, `R·S·C·K`.
    public var weightCount: Int { patchCount * outputChannels }
    /// Inputs of one output, `R·S·C`.
    public var patchCount: Int { kernel * kernel * channels }
    /// Whether the input in memory is already the matrix of patches.
    public var isPointwise: Bool { kernel == 1 && stride == 1 && padding == 0 }
}
