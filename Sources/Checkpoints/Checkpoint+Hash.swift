internal import Checksums

extension Checkpoint {
    /// Equal for equal weights and running statistics, whatever the file; 16 hexadecimal digits of CRC-64/XZ.
    public var weightsHash: String {
        var checksum = CRC64("\(network) \(classes) \(temperature.map { "\($0)" } ?? "")\n".utf8)
        for tensor in state {
            checksum.update(Array("\(tensor.name) \(tensor.shape)\n".utf8))
            checksum.update(tensor.elements)
        }
        return checksum.hexadecimal
    }
}
