internal import Kernels

/// A graph's layers with parameters, which declare them in a store.
struct NetworkLayers {
    let graph: LayerGraph
    let store: ParameterStore
    private var convolutions: [LayerGraph.Node: Convolution2D] = [:]
    private var normalizationsByNode: [LayerGraph.Node: BatchNormalization2D] = [:]
    /// In the order of declaration.
    private(set) var normalizations: [BatchNormalization2D] = []

    init(_ graph: LayerGraph, _ selection: PassSelection, in store: ParameterStore) {
        self.graph = graph
        self.store = store
        for node in graph.nodes {
            switch graph[node].layer {
            case .convolution(let name, let shape, let initializer):
                convolutions[node] = Convolution2D(
                    name, shape, selection, initializer: initializer, in: store)
            case .batchNorm(let name):
                let map = graph[node].map
                let layer = BatchNormalization2D(
                    name, channels: map.channels, positions: map.positions, in: store)
                normalizationsByNode[node] = layer
                normalizations.append(layer)
            case .images, .relu, .sum, .maxPool, .subsampling, .blur, .dropout: break
            }
        }
    }

    func convolution(_ node: LayerGraph.Node) -> Convolution2D { convolutions[node]! }

    func normalization(_ node: LayerGraph.Node) -> BatchNormalization2D { normalizationsByNode[node]! }

    /// Floats of scratch memory that a pass needs for each worker.
    func scratchCount(_ context: StepContext) -> Int {
        convolutions.values.reduce(0) { max($0, $1.scratchCount(context)) }
    }
}
