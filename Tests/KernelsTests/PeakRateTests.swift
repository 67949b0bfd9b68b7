import Kernels
import Testing
import Workers

@Suite(.timeLimit(.minutes(30)))
struct PeakRateTests {
    /// No core does 128 operations a cycle at 10 GHz: a higher rate would be work that the compiler has left out. Other programs may
    /// leave any part of it.
    @Test(arguments: [1, 2])
    func noWorkIsLeftOut(threads: Int) {
        let rate = measurePeakRate(runs: 2, on: WorkerPool(threads: threads)) / Double(threads)
        #expect(1e6..<1.28e12 ~= rate)
    }
}
