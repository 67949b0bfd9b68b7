/// Bytes that a pass of a network takes.
package struct MemoryUse: Equatable, Sendable {
    /// Parameters and running statistics; gradients in training.
    package let parameters: Int
    /// Activations, their gradients, packed weights and microbatch gradients.
    package let tensors: Int
    /// Sums and coefficients of batch normalisations.
    package let sums: Int
    /// Scratch memory of the threads.
    package let threads: Int

    package var byteCount: Int { parameters + tensors + sums + threads }
}
