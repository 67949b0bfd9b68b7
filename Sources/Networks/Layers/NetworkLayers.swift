internal import Kernels

/// A graph's layers with parameters, which declare them in a store.
struct NetworkLayers {
    let graph: LayerGraph
    let store: ParameterStore
    private let trainingStorage: MapStorage
    private var convolutions: [LayerGraph.Node: Convolution2D] = [:]
    private var normalizationsByNode: [LayerGraph.Node: BatchNormalization2D] = [:]
    /// In the order of declaration.
    private(set) var normalizations: [BatchNormalization2D] = []

    init(_ graph: LayerGraph, _ selection: PassSelection, in store: ParameterStore) {
        self.graph = graph
        self.store = store
        trainingStorage = selection.trainingStorage
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

    /// A tensor for a map that a convolution or a sum writes.
    func tensor(_ map: LayerGraph.Map, _ mode: StepContext.Mode) -> PassTensor<Float> {
        let isWhole = map.channels.isMultiple(of: MapStorage.channelMultiple)
        return PassTensor(
            sampleSize: map.count, storage: mode == .training && isWhole ? trainingStorage : .float32)
    }

    /// Floats of scratch memory that a pass needs for each worker.
    func scratchCount(_ context: StepContext) -> Int {
        convolutions.values.reduce(0) { max($0, $1.scratchCount(context)) }
    }
}
