package import Datasets

/// Checks that the classes of a set are those of a network and of its training set: a label must
/// mean the same class everywhere.
package struct ClassAgreement {
    /// Outputs of the network.
    private let classes: Int
    /// The set that the network is or was trained on; `nil` if unknown.
    private let training: Manifest?

    package init(classes: Int, training: Manifest?) {
        self.classes = classes
        self.training = training
    }

    /// Checks a training, validation, test or covariate-shifted set.
    ///
    /// - Throws: If it has a label that the network has no class for, other class names than the
    ///   training set, or another number of classes; a set whose list names no classes may have
    ///   fewer.
    package func check(_ set: PackedDataset) throws(DatasetError) {
        try checkLabels(of: set, classes: classes)
        try checkNames(of: set)
        let count = set.manifest.classCount
        let isKnown = !set.manifest.classNames.isEmpty || set.manifest.benchmark != nil
        let expected = training.map { min($0.classCount, classes) } ?? classes
        guard !isKnown || count == expected || count == classes else {
            throw failure(
                set, "it has \(count) classes, the network was made for \(expected)",
                "evaluate it with a network for its classes, or pack it with --class-order and the classes in the training set's order"
            )
        }
    }

    /// A notice about a training set; `nil` if there is none.
    package func note(on set: PackedDataset) -> String? {
        let count = set.manifest.classCount
        guard count < classes else { return nil }
        return "network.classes is \(classes), the training set has \(count) classes"
    }

    private func checkNames(of set: PackedDataset) throws(DatasetError) {
        let names = set.manifest.classNames
        guard let expected = training?.classNames, !expected.isEmpty, !names.isEmpty, names != expected else {
            return
        }
        let differing = zip(names, expected).enumerated().first { $1.0 != $1.1 }
        throw failure(
            set,
            differing.map { "class \($0.offset) is '\($0.element.0)', in the training set '\($0.element.1)'" }
                ?? "it has \(names.count) classes, the training set \(expected.count)",
            "pack it with --class-order or --class-names and the classes in the training set's order")
    }

    private func failure(_ set: PackedDataset, _ reason: String, _ remedy: String) -> DatasetError {
        DatasetError(action: "use dataset '\(set.name)'", place: set.path, reason: reason, remedy: remedy)
    }
}

/// Refuses a set with a label that the network has no class for.
private func checkLabels(of set: PackedDataset, classes: Int) throws(DatasetError) {
    for record in 0..<set.count where !(0..<classes).contains(Int(set.label(of: record))) {
        throw DatasetError(
            action: "use dataset '\(set.name)'", place: "\(set.path), record \(record)",
            reason: "its label is \(set.label(of: record)), expected 0..<\(classes)",
            remedy: "check network.classes")
    }
}
