/// A network without its head: the layers between an image and its feature.
///
/// A backbone only declares its layers. Forward and backward pass, memory, recomputation, captured
/// activations, gradients of images and the state dictionary follow from the declaration.
protocol Backbone: Sendable {
    /// Declares the layers in the order of PyTorch's state dictionary, from `graph.images` to the
    /// map whose means over all positions are the feature.
    func declareLayers(in graph: inout LayerGraph)

    /// Name of the last layer in the state dictionary.
    var classifierName: String { get }

    /// Initial weights of the last layer for features of width `dimension`.
    func classifierWeight(dimension: Int) -> Initializer

    /// Whether ReLUs are modules in the original network, so that PyTorch's hooks see them.
    var hasReLUModules: Bool { get }
}

extension Backbone {
    /// The layers for images of `imageSize` pixels a side.
    func graph(imageSize: Int, dropoutRate: Double = 0) -> LayerGraph {
        var graph = LayerGraph(imageSize: imageSize, dropoutRate: dropoutRate)
        declareLayers(in: &graph)
        return graph
    }
}
