internal import Workers

/// Gathers the patches of `images` consecutive images into rows.
///
/// - Parameters:
///   - input: Shape `[images, H, W, C]`.
///   - kernelRows: The kernel rows to gather, a part of `0..<R`.
///   - patches: Shape `[images · P · Q, kernelRows.count · S · C]`; overwritten, zero where the padding is.
func gatherPatches(
    _ input: Span<Float>, _ shape: ConvolutionShape, kernelRows: Range<Int>, images: Int,
    into patches: inout MutableSpan<Float>
) {
    let channels = shape.channels
    var target = 0
    for image in 0..<images {
        for p in 0..<shape.outputHeight {
            for q in 0..<shape.outputWidth {
                for r in kernelRows {
                    let y = p * shape.stride + r - shape.padding
                    let x = q * shape.stride - shape.padding
                    let first = max(0, -x)
                    let last = min(shape.kernel, shape.width - x)
                    guard y >= 0 && y < shape.height && first < last else {
                        fillZero(&patches, target..<target + shape.kernel * channels)
                        target += shape.kernel * channels
                        continue
                    }
                    fillZero(&patches, target..<target + first * channels)
                    let source = ((image * shape.height + y) * shape.width + x + first) * channels
                    copy(
                        input, from: source, count: (last - first) * channels, into: &patches,
                        at: target + first * channels)
                    fillZero(&patches, target + last * channels..<target + shape.kernel * channels)
                    target += shape.kernel * channels
                }
            }
        }
    }
}

/// Adds rows of patches back to where they were gathered from.
///
/// - Parameters:
///   - patches: Shape `[images · P · Q, R · S · C]`.
///   - input: Shape `[images, H, W, C]`; overwritten.
func scatterPatches(
    _ patches: Span<Float>, _ shape: ConvolutionShape, images: Int, into input: inout MutableSpan<Float>
) {
    let channels = shape.channels
    fillZero(&input, 0..<images * shape.inputCount)
    var source = 0
    for image in 0..<images {
        for p in 0..<shape.outputHeight {
            for q in 0..<shape.outputWidth {
                for r in 0..<shape.kernel {
                    let y = p * shape.stride + r - shape.padding
                    let x = q * shape.stride - shape.padding
                    let first = max(0, -x)
                    let last = min(shape.kernel, shape.width - x)
                    if y >= 0 && y < shape.height && first < last {
                        let target = ((image * shape.height + y) * shape.width + x + first) * channels
                        let part = patches.extracting(source + first * channels..<source + last * channels)
                        for i in part.indices { input[target + i] += part[i] }
                    }
                    source += shape.kernel * channels
                }
            }
        }
    }
}

func fillZero(_ target: inout MutableSpan<Float>, _ range: Range<Int>) {
    var part = target.part(range)
    part.update(repeating: 0)
}

func copy(
    _ source: Span<Float>, from start: Int, count: Int, into target: inout MutableSpan<Float>, at offset: Int
) {
    let part = source.extracting(start..<start + count)
    var own = target.part(offset..<offset + count)
    for i in part.indices { own[i] = part[i] }
}
