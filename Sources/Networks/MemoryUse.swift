/// Bytes that a pass of a network takes.
public struct MemoryUse: Equatable, Sendable {
    /// Parameters and running statistics; gradients in training.
    public let parameters: Int
    /// What layers hand each other, and weights and gradients as the kernels need them.
    public let tensors: Int
    /// Sums and coefficients of batch normalisations.
    public let sums: Int
    /// Memory of the threads' own.
    public let threads: Int

    public var byteCount: Int { parameters + tensors + sums + threads }
}
