internal import Kernels

/// The layers of a backbone, in the order of their declaration, and which layer reads which.
struct LayerGraph: Sendable {
    /// A layer's result.
    struct Node: Hashable, Comparable, Sendable {
        let index: Int

        static func < (a: Node, b: Node) -> Bool { a.index < b.index }
    }

    enum Layer: Sendable {
        case images
        /// Without bias.
        case convolution(name: String, ConvolutionShape, Initializer)
        case batchNorm(name: String)
        case relu
        /// The sum of two results.
        case sum
        case maxPool(ConvolutionShape)
        /// Takes every second position and adds zero channels before and after.
        case subsampling(ConvolutionShape)
        /// A 3×3 binomial filter of each channel.
        case blur
        /// Sets elements to 0 at random, in training.
        case dropout(Dropout)
    }

    /// Size and channels of a result.
    struct Map: Equatable, Sendable {
        let height: Int, width: Int, channels: Int

        var positions: Int { height * width }
        /// Elements for one image.
        var count: Int { positions * channels }
    }

    struct Entry: Sendable {
        let layer: Layer
        let inputs: [Node]
        let map: Map
    }

    private(set) var entries: [Entry]
    /// The result of each stage, the stem's first; the last one belongs to the last stage.
    private(set) var stages: [Node] = []

    let images = Node(index: 0)
    /// Height and width of the images.
    let imageSize: Int
    /// The fraction of elements that dropout layers set to 0; with 0 there are no such layers.
    let dropoutRate: Double

    init(imageSize: Int, dropoutRate: Double = 0) {
        self.imageSize = imageSize
        self.dropoutRate = dropoutRate
        entries = [
            Entry(layer: .images, inputs: [], map: Map(height: imageSize, width: imageSize, channels: 3))
        ]
    }

    subscript(node: Node) -> Entry { entries[node.index] }

    /// The map whose means over all positions are the feature.
    var output: Node { Node(index: entries.count - 1) }

    var nodes: [Node] { entries.indices.map(Node.init) }

    /// Whether a layer sets elements to 0 at random.
    var hasDropout: Bool {
        entries.contains { if case .dropout = $0.layer { true } else { false } }
    }

    /// Every convolution, in the order of declaration.
    var convolutionShapes: [ConvolutionShape] {
        entries.compactMap { if case .convolution(_, let shape, _) = $0.layer { shape } else { nil } }
    }
}

// MARK: - Declaration

extension LayerGraph {
    /// A square convolution that keeps the size of its input, apart from the stride.
    ///
    /// - Parameters:
    ///   - name: Name in the state dictionary, without `.weight`.
    ///   - initializer: The distribution of the initial weights, by the shape.
    mutating func convolution(
        _ name: String, of input: Node, kernel: Int, to channels: Int, stride: Int = 1,
        initializer: (ConvolutionShape) -> Initializer
    ) -> Node {
        let shape = windows(over: input, kernel: kernel, to: channels, stride: stride)
        return add(.convolution(name: name, shape, initializer(shape)), of: [input], shape)
    }

    /// - Parameter name: Name in the state dictionary, without `.weight`.
    mutating func batchNorm(_ name: String, of input: Node) -> Node {
        add(.batchNorm(name: name), of: [input], self[input].map)
    }

    mutating func relu(_ input: Node) -> Node { add(.relu, of: [input], self[input].map) }

    /// `a + b`, where `a` is read by no other layer.
    mutating func sum(_ a: Node, _ b: Node) -> Node {
        precondition(self[a].map == self[b].map, "a sum of \(self[a].map) and \(self[b].map)")
        return add(.sum, of: [a, b], self[a].map)
    }

    mutating func maxPool(_ input: Node, kernel: Int, stride: Int) -> Node {
        let shape = windows(over: input, kernel: kernel, to: self[input].map.channels, stride: stride)
        return add(.maxPool(shape), of: [input], shape)
    }

    /// Every second position of `input`, with zero channels before and after ("option A" of arXiv
    /// 1512.03385).
    mutating func subsampling(_ input: Node, to channels: Int) -> Node {
        let shape = windows(over: input, kernel: 1, to: channels, stride: 2)
        return add(.subsampling(shape), of: [input], shape)
    }

    /// Each channel filtered by `[1 2 1] ⊗ [1 2 1] / 16`, with zeros outside the image (Zhang,
    /// arXiv 1904.11486). Layers that blur the same result share it.
    mutating func blur(_ input: Node) -> Node {
        let known = nodes.first {
            if case .blur = self[$0].layer { self[$0].inputs == [input] } else { false }
        }
        return known ?? add(.blur, of: [input], self[input].map)
    }

    /// `input` with a fraction `dropoutRate` of its elements 0 in training, and the others
    /// divided by the fraction that is left (Srivastava et al., JMLR 15, 2014, as PyTorch scales it).
    mutating func dropout(_ input: Node) -> Node {
        guard dropoutRate > 0 else { return input }
        let earlier = entries.count { if case .dropout = $0.layer { true } else { false } }
        return add(
            .dropout(Dropout(rate: dropoutRate, number: earlier)), of: [input], self[input].map)
    }

    /// Ends a stage with its result; the stem is the first.
    mutating func endStage(_ result: Node) { stages.append(result) }

    private func windows(over input: Node, kernel: Int, to channels: Int, stride: Int) -> ConvolutionShape {
        let map = self[input].map
        return ConvolutionShape(
            height: map.height, width: map.width, channels: map.channels, outputChannels: channels,
            kernel: kernel, stride: stride, padding: kernel / 2)
    }

    private mutating func add(_ layer: Layer, of inputs: [Node], _ shape: ConvolutionShape) -> Node {
        add(
            layer, of: inputs,
            Map(height: shape.outputHeight, width: shape.outputWidth, channels: shape.outputChannels))
    }

    private mutating func add(_ layer: Layer, of inputs: [Node], _ map: Map) -> Node {
        entries.append(Entry(layer: layer, inputs: inputs, map: map))
        return Node(index: entries.count - 1)
    }
}
