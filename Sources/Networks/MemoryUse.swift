/// Bytes that a pass of a network takes.
public struct MemoryUse: Equatable, Sendable {
    /// Parameters and running statistics; gradients in training.
    public let parameters: Int
    /// Activations, their gradients, packed weights and microbatch gradients.
    public let tensors: Int
    /// Sums and coefficients of batch normalisations.
    public let sums: Int
    /// Scratch memory of the threads.
    public let threads: Int

    public var byteCount: Int { parameters + tensors + sums + threads }
}
