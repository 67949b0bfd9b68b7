import Kernels
import Testing
import Workers

@Suite(.timeLimit(.minutes(30)))
struct PeakRateTests {
    /// No core does 128 operations per cycle at 10 GHz, so a higher rate means that the compiler
    /// has removed work. The lower bound is loose since other programs may use the cores.
    @Test(arguments: [1, 2])
    func noWorkIsLeftOut(threads: Int) {
        let rate = measurePeakRate(runs: 2, on: WorkerPool(threads: threads)) / Double(threads)
        #expect(1e6..<1.28e12 ~= rate)
    }
}
