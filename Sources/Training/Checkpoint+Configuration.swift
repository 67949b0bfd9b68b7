package import Checkpoints
internal import Kernels
internal import Networks
package import RunConfiguration

extension Checkpoint {
    /// Refuses a model whose network, head, number of classes or algorithm selection differs from
    /// `configuration`.
    ///
    /// - Parameter path: Where the snapshot came from, for the error.
    package func check(fits configuration: RunConfiguration, path: String) throws(CheckpointError) {
        let found = Self.describe(network, classes, headKind)
        let expected = Self.describe(
            configuration.network.name, configuration.network.classes, configuration.headKind)
        guard found == expected else {
            throw CheckpointError(
                path: path,
                reason: "holds \(found), the configuration says \(expected); name another checkpoint")
        }
        let choice = configuration.compute.convolution.rawValue
        guard convolutions.name == choice else {
            throw CheckpointError(
                path: path,
                reason: """
                    was trained with compute.convolution \(convolutions.name), the configuration says \(choice); set \
                    it back, or name another checkpoint
                    """)
        }
    }

    private static func describe(_ network: String, _ classes: Int, _ kind: HeadKind) -> String {
        return "a \(network) for \(classes) classes with \(kind.phrase)"
    }
}
