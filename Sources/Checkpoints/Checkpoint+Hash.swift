internal import Checksums

extension Checkpoint {
    /// Hash of weights and running statistics, independent of the file; 16 hexadecimal digits of
    /// CRC-64/XZ.
    package var weightsHash: String {
        var checksum = CRC64("\(network) \(classes) \(temperature.map { "\($0)" } ?? "")\n".utf8)
        checksum.update(state)
        return checksum.hexadecimal
    }

    /// Hash of the momentum; 16 hexadecimal digits, `nil` for a model without it.
    package var momentumHash: String? {
        guard !momentum.isEmpty else { return nil }
        var checksum = CRC64()
        checksum.update(momentum)
        return checksum.hexadecimal
    }
}

extension CRC64 {
    fileprivate mutating func update(_ tensors: [Checkpoint.Tensor]) {
        for tensor in tensors {
            update(Array("\(tensor.name) \(tensor.shape)\n".utf8))
            update(tensor.elements)
        }
    }
}
