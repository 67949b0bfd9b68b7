internal import Checksums

extension Checkpoint {
    /// Hash of weights and running statistics, independent of the file; 16 hexadecimal digits of
    /// CRC-64/XZ.
    package var weightsHash: String {
        var checksum = CRC64("\(network) \(classes) \(temperature.map { "\($0)" } ?? "")\n".utf8)
        checksum.update(state)
        return checksum.hexadecimal
    }

    /// Name and hash of each slot; 16 hexadecimal digits.
    package var slotHashes: [(name: String, hash: String)] {
        slots.map { slot in
            var checksum = CRC64()
            checksum.update(slot.tensors)
            return (slot.name, checksum.hexadecimal)
        }
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
