public import Workers

/// Floating-point operations of one round of `runMultiplyAddChains`, two a multiply-add.
private let operationsPerRound = 12 * vectorWidth * 2

/// Rounds that each thread is timed for: 6.4 billion operations, some 50 ms of a core with AVX-512, 100 ms of one without.
private let timedRounds = 1 << 24

/// The most floating-point operations a second that the pool's threads reach together, in single precision.
///
/// Every thread multiplies and adds in registers and never touches memory; what other programs leave of the cores is part of
/// the figure.
///
/// - Parameter runs: How often it is measured; the fastest counts.
/// - Returns: Operations a second, two a fused multiply-add.
public func measurePeakRate(runs: Int = 5, on pool: WorkerPool) -> Double {
    precondition(runs >= 1, "\(runs) runs")
    let clock = ContinuousClock()
    let times = (0..<runs).map { _ in
        clock.measure {
            // An item a thread: each lasts so long that no thread takes two.
            pool.forEach(pool.threads) { thread in
                let sum = runMultiplyAddChains(rounds: timedRounds, start: Float(thread + 1))
                precondition(sum.isFinite, "multiply-adds ran to \(sum)")
            }
        }
    }
    return Double(timedRounds * operationsPerRound * pool.threads) / (times.min()! / .seconds(1))
}

/// Runs `rounds` rounds of twelve vectors' multiply-adds, none of which waits for another of its round.
///
/// Two multiply-adds can begin in a cycle and each takes four or five: ten are under way at most.
///
/// - Returns: What keeps the compiler from leaving anything out.
@inline(never)
private func runMultiplyAddChains(rounds: Int, start: Float) -> Float {
    // Twelve registers in either case, of sixteen where there is AVX2 alone.
    buildHasAVX512
        ? chains(SIMD16<Float>.self, rounds: rounds, start: start)
        : chains(SIMD8<Float>.self, rounds: 2 * rounds, start: start)
}

/// `xᵢ = xᵢ · ½ + start` over and over, which stays finite, for twelve `xᵢ` written out: an array would lie in memory.
@inline(__always)
private func chains<V: SIMD<Float>>(_ type: V.Type, rounds: Int, start: Float) -> Float {
    let half = V(repeating: start / (start + start))
    let addend = V(repeating: start)
    var x0 = V(repeating: start)
    var x1 = x0 + addend
    var x2 = x1 + addend
    var x3 = x2 + addend
    var x4 = x3 + addend
    var x5 = x4 + addend
    var x6 = x5 + addend
    var x7 = x6 + addend
    var x8 = x7 + addend
    var x9 = x8 + addend
    var x10 = x9 + addend
    var x11 = x10 + addend
    for _ in 0..<rounds {
        x0 = addend.addingProduct(x0, half)
        x1 = addend.addingProduct(x1, half)
        x2 = addend.addingProduct(x2, half)
        x3 = addend.addingProduct(x3, half)
        x4 = addend.addingProduct(x4, half)
        x5 = addend.addingProduct(x5, half)
        x6 = addend.addingProduct(x6, half)
        x7 = addend.addingProduct(x7, half)
        x8 = addend.addingProduct(x8, half)
        x9 = addend.addingProduct(x9, half)
        x10 = addend.addingProduct(x10, half)
        x11 = addend.addingProduct(x11, half)
    }
    let sum = (x0 + x1) + (x2 + x3) + ((x4 + x5) + (x6 + x7)) + ((x8 + x9) + (x10 + x11))
    return sum.sum()
}
