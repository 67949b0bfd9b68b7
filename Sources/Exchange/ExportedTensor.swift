internal import Networks

/// A tensor as other programs get it: PyTorch's order, little-endian, real numbers in single precision, counts as int64.
struct ExportedTensor {
    var name: String
    var shape: [Int]
    var isCount: Bool
    var bytes: [UInt8]

    var count: Int { shape.reduce(1, *) }

    /// The state dictionary of a classifier, with the names and the order of OpenOOD's networks.
    ///
    /// A linear network's names are bare. T2FNorm's network (OpenOOD, networks/t2fnorm_net.py) has `tau` first, then the others behind
    /// `backbone.`.
    static func all(of classifier: Classifier) -> [ExportedTensor] {
        let store = classifier.parameters
        var tensors: [ExportedTensor] = []
        var prefix = ""
        if case .t2fnorm(let temperature) = classifier.headKind {
            prefix = "backbone."
            tensors.append(
                ExportedTensor(name: "tau", shape: [], isCount: false, bytes: littleEndian([temperature])))
        }
        return tensors
            + store.entries.map { entry in
                let isCount = entry.role == .batchCount
                var bytes: [UInt8] = []
                if isCount {
                    bytes.appendLittleEndian(UInt64(store.batchCount), byteCount: 8)
                } else {
                    bytes = littleEndian(store.elements(of: entry))
                }
                return ExportedTensor(
                    name: prefix + entry.name, shape: entry.shape, isCount: isCount, bytes: bytes)
            }
    }
}

private func littleEndian(_ values: [Float]) -> [UInt8] {
    // Every machine this program is built for is little-endian.
    unsafe values.withUnsafeBytes { unsafe [UInt8]($0) }
}
