internal import Networks

/// A tensor as it is exported: PyTorch's memory layout, little-endian, real numbers in single
/// precision, batch counts as int64.
struct ExportedTensor {
    var name: String
    var shape: [Int]
    var isCount: Bool
    var bytes: [UInt8]

    var count: Int { shape.reduce(1, *) }

    /// The state dictionary of a classifier, in the order of OpenOOD's networks.
    static func all(of classifier: Classifier, _ names: ExportNames) -> [ExportedTensor] {
        let store = classifier.parameters
        let last = store.entries.count - 2
        return store.entries.enumerated().map { index, entry in
            let isCount = entry.role == .batchCount
            var bytes: [UInt8] = []
            if isCount {
                bytes.appendLittleEndian(UInt64(store.batchCount), byteCount: 8)
            } else {
                var elements = store.elements(of: entry)
                if index == last, let temperature = names.foldedTemperature(of: classifier) {
                    elements = elements.map { $0 / temperature }
                }
                bytes = littleEndian(elements)
            }
            return ExportedTensor(
                name: names.name(of: entry.name, of: classifier), shape: entry.shape, isCount: isCount,
                bytes: bytes)
        }
    }

    /// τ of OpenOOD's T2FNorm network, the first tensor of its state dictionary.
    static func temperature(_ temperature: Float) -> ExportedTensor {
        ExportedTensor(name: "tau", shape: [], isCount: false, bytes: littleEndian([temperature]))
    }
}

private func littleEndian(_ values: [Float]) -> [UInt8] {
    // All supported machines are little-endian.
    unsafe values.withUnsafeBytes { unsafe [UInt8]($0) }
}
