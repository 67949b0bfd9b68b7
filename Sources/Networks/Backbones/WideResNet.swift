internal import Kernels

/// A wide residual network with pre-activation blocks for 32×32 images (Zagoruyko, Komodakis:
/// "Wide residual networks", arXiv 1605.07146). Dropout, if any, comes before the second convolution
/// of a block.
struct WideResNet: Sendable {
    /// Blocks in each of the three stages.
    let depth: Int
    /// Factor of the widths 16, 32 and 64.
    let width: Int
}

extension WideResNet: Backbone {
    var classifierName: String { "fc" }
    var hasReLUModules: Bool { true }

    func classifierWeight(dimension: Int) -> Initializer { .torchDefault(fanIn: dimension) }

    func declareLayers(in graph: inout LayerGraph) {
        var result = convolution("conv1", of: graph.images, kernel: 3, to: 16, stride: 1, &graph)
        graph.endStage(result)
        for stage in 0..<3 {
            for index in 0..<depth {
                result = declareBlock(
                    "block\(stage + 1).layer.\(index)", of: result, to: 16 * width << stage,
                    stride: stage > 0 && index == 0 ? 2 : 1, &graph)
            }
            graph.endStage(result)
        }
        _ = graph.relu(graph.batchNorm("bn1", of: result))
    }

    /// Batch norm and ReLU before each convolution; a block that changes the channels projects the
    /// activated input, others add the input as it is.
    private func declareBlock(
        _ name: String, of input: LayerGraph.Node, to channels: Int, stride: Int, _ graph: inout LayerGraph
    ) -> LayerGraph.Node {
        let isIdentity = graph[input].map.channels == channels
        let activated = graph.relu(graph.batchNorm("\(name).bn1", of: input))
        var result = convolution(
            "\(name).conv1", of: activated, kernel: 3, to: channels, stride: stride, &graph)
        result = graph.dropout(graph.relu(graph.batchNorm("\(name).bn2", of: result)))
        result = convolution("\(name).conv2", of: result, kernel: 3, to: channels, stride: 1, &graph)
        let shortcut =
            isIdentity
            ? input
            : convolution(
                "\(name).convShortcut", of: activated, kernel: 1, to: channels, stride: stride, &graph)
        return graph.sum(result, shortcut)
    }

    private func convolution(
        _ name: String, of input: LayerGraph.Node, kernel: Int, to channels: Int, stride: Int,
        _ graph: inout LayerGraph
    ) -> LayerGraph.Node {
        graph.convolution(name, of: input, kernel: kernel, to: channels, stride: stride) {
            .kaimingNormal(fan: $0.kernel * $0.kernel * $0.outputChannels)
        }
    }
}
