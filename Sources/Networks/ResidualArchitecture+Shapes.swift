internal import Kernels

extension ResidualArchitecture {
    /// One block: its name in the state dictionary, its convolutions in order, and its shortcut.
    struct Block: Sendable {
        let name: String
        let convolutions: [ConvolutionShape]
        /// The shortcut's shape, if the block's input and output differ in size or channels.
        let shortcut: ConvolutionShape?
    }

    var stemShape: ConvolutionShape {
        switch stem {
        case .plain:
            ConvolutionShape(
                height: imageSize, width: imageSize, channels: imageChannels, outputChannels: widths[0],
                kernel: 3, padding: 1)
        case .pooled:
            ConvolutionShape(
                height: imageSize, width: imageSize, channels: imageChannels, outputChannels: widths[0],
                kernel: 7, stride: 2, padding: 3)
        }
    }

    /// The windows of the stem's max-pooling, if it has any.
    var poolingShape: ConvolutionShape? {
        switch stem {
        case .plain: nil
        case .pooled: stemShape.following(kernel: 3, to: widths[0], stride: 2)
        }
    }

    /// All blocks in order.
    var blocks: [Block] {
        var blocks: [Block] = []
        var last = poolingShape ?? stemShape
        for (stage, width) in widths.enumerated() {
            for index in 0..<depths[stage] {
                let block = makeBlock(
                    "layer\(stage + 1).\(index)", after: last, width: width,
                    stride: stage > 0 && index == 0 ? 2 : 1)
                last = block.convolutions[block.convolutions.count - 1]
                blocks.append(block)
            }
        }
        return blocks
    }

    private func makeBlock(
        _ name: String, after last: ConvolutionShape, width: Int, stride: Int
    ) -> Block {
        let convolutions: [ConvolutionShape]
        switch block {
        case .basic:
            let first = last.following(kernel: 3, to: width, stride: stride)
            convolutions = [first, first.following(kernel: 3, to: width)]
        case .bottleneck:
            let first = last.following(kernel: 1, to: width)
            let second = first.following(kernel: 3, to: width, stride: stride)
            convolutions = [first, second, second.following(kernel: 1, to: 4 * width)]
        }
        let channels = convolutions[convolutions.count - 1].outputChannels
        let isIdentity = stride == 1 && channels == last.outputChannels
        return Block(
            name: name, convolutions: convolutions,
            shortcut: isIdentity ? nil : last.following(kernel: 1, to: channels, stride: stride))
    }

    /// Every convolution of the network, in the order of the state dictionary.
    var convolutionShapes: [ConvolutionShape] {
        let projects: Bool
        switch shortcut {
        case .projection: projects = true
        case .subsampling: projects = false
        }
        return [stemShape]
            + blocks.flatMap { block in
                block.convolutions + (projects ? [block.shortcut].compactMap(\.self) : [])
            }
    }
}

extension ConvolutionShape {
    /// A convolution of this one's output that keeps its size, apart from the stride.
    fileprivate func following(kernel: Int, to channels: Int, stride: Int = 1) -> ConvolutionShape {
        ConvolutionShape(
            height: outputHeight, width: outputWidth, channels: outputChannels, outputChannels: channels,
            kernel: kernel, stride: stride, padding: kernel / 2)
    }
}
