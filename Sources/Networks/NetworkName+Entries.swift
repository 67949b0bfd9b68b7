extension NetworkName {
    /// The tensors of a classifier's state dictionary in PyTorch's order, without allocating them.
    ///
    /// - Precondition: `classes` is positive.
    package func stateEntries(classes: Int) -> [TensorEntry] {
        precondition(classes > 0, "\(classes) classes")
        let architecture = architecture(imageSize: imageSize)
        let store = ParameterStore()
        let network = ResNet(architecture, in: store)
        let dimension = network.featureDimension
        _ = ClassifierHead(
            architecture.classifierName, temperature: nil, dimension: dimension, classes: classes,
            weightInitializer: architecture.classifierWeight(dimension: dimension), in: store)
        return store.entries
    }
}
