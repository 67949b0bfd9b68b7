package import Workers

/// Floating-point operations of one round of `runMultiplyAddChains`, two per multiply-add.
private let operationsPerRound = 12 * vectorWidth * 2

/// Rounds that each thread is timed for: 6.4 billion operations, some 50 ms on a core with AVX-512,
/// 100 ms on one without.
private let timedRounds = 1 << 24

/// Measures the highest rate of single-precision floating-point operations that the pool's threads
/// reach together.
///
/// Each thread runs multiply-adds in registers and never touches memory. Other programs on the
/// cores lower the rate.
///
/// - Parameter runs: Number of measurements; the fastest one counts.
/// - Returns: Operations per second, two per fused multiply-add.
package func measurePeakRate(runs: Int = 5, on pool: WorkerPool) -> Double {
    precondition(runs >= 1, "runs is \(runs), expected 1 or more")
    let clock = ContinuousClock()
    let times = (0..<runs).map { _ in
        clock.measure {
            // One item per thread: each runs so long that no thread takes two.
            pool.forEach(pool.threads) { thread in
                let sum = runMultiplyAddChains(rounds: timedRounds, start: Float(thread + 1))
                precondition(sum.isFinite, "the multiply-add chains sum to \(sum), expected a finite number")
            }
        }
    }
    return Double(timedRounds * operationsPerRound * pool.threads) / (times.min()! / .seconds(1))
}

/// Runs `rounds` rounds of multiply-adds on twelve independent vectors.
///
/// Two multiply-adds can start per cycle and each takes four or five cycles, so at most ten are in
/// flight.
///
/// - Returns: A sum of all results, so that the compiler omits none of them.
@inline(never)
private func runMultiplyAddChains(rounds: Int, start: Float) -> Float {
    // Twelve registers in both cases; with AVX2 alone there are sixteen.
    buildHasAVX512
        ? chains(SIMD16<Float>.self, rounds: rounds, start: start)
        : chains(SIMD8<Float>.self, rounds: 2 * rounds, start: start)
}

/// Repeats `xᵢ = xᵢ · ½ + start`, which stays finite, for twelve `xᵢ`. They are separate variables
/// because an array would be in memory.
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
