internal import Kernels

extension NetworkName {
    /// The tensors of a classifier's state dictionary in PyTorch's order, without allocating them.
    ///
    /// - Precondition: `classes` is positive.
    package func stateEntries(classes: Int) -> [TensorEntry] {
        precondition(classes > 0, "\(classes) classes")
        let store = ParameterStore()
        let backbone = backbone
        let network = FeatureExtractor(
            backbone.graph(imageSize: imageSize), PassSelection(training: .shape, evaluation: .shape),
            in: store)
        let dimension = network.featureDimension
        _ = ClassifierHead(
            backbone.classifierName, temperature: nil, dimension: dimension, classes: classes,
            weightInitializer: backbone.classifierWeight(dimension: dimension), in: store)
        return store.entries
    }
}
