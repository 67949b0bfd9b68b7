package import Checkpoints
internal import Kernels
internal import Networks
package import RunConfiguration

extension AlgorithmSelection {
    /// The setting that makes this selection, and its value.
    fileprivate var setting: String {
        self == .mixed ? "compute.precision mixed" : "compute.convolution \(name)"
    }
}

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
        let compute = configuration.compute
        let choice = compute.precision == .mixed ? "mixed" : compute.convolution.rawValue
        guard convolutions.name == choice else {
            throw CheckpointError(
                path: path,
                reason: """
                    was trained with \(convolutions.setting), the configuration says \(choice); set \
                    it back, or name another checkpoint
                    """)
        }
    }

    private static func describe(_ network: String, _ classes: Int, _ kind: HeadKind) -> String {
        return "a \(network) for \(classes) classes with \(kind.phrase)"
    }
}
