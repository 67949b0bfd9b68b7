import Foundation
import Kernels
import TestSupport
import Testing
import Workers

/// The loss of ReweightOOD; the expected values are from `make_pair_fixtures.py`.
@Suite(.timeLimit(.minutes(30)))
struct ReweightedPairsTests {
    struct Case: Decodable, CustomTestStringConvertible, Sendable {
        let name: String, dimension: Int, spread: Float, stream: Int, labels: [Int32]
        let loss: Double, gradient: [Double]

        var testDescription: String { name }

        /// Shape `[M, E]`, not yet divided by their norm.
        var outputs: [Float] {
            let noise = testValues(count: labels.count * dimension, stream: stream, scale: spread)
            let directions = labels.flatMap { testValues(count: dimension, stream: 40 + Int($0)) }
            return zip(directions, noise).map { $0 + $1 }
        }

        static let all: [Case] = {
            struct File: Decodable { let cases: [Case] }
            let file = try? JSONDecoder().decode(File.self, from: fixtureData(named: "pair_fixtures"))
            return file?.cases ?? []
        }()
    }

    @Test func thereAreFixtures() { #expect(Case.all.count == 7) }

    @Test(arguments: Case.all)
    func matchesPyTorch(fixture: Case) {
        let found = step(fixture.outputs, fixture.labels, dimension: fixture.dimension)
        // Products of outputs are in single precision, and ten times as large in the exponent.
        #expect(abs(found.loss - fixture.loss) < 4e-6 * max(1, abs(fixture.loss)))
        let largest = fixture.gradient.map(abs).max() ?? 0
        #expect(zip(found.gradient, fixture.gradient).allSatisfy { abs(Double($0) - $1) <= 4e-6 * largest })
    }

    /// The gradient treats the weights as constants, although they depend on the outputs. So finite
    /// differences are taken of a loss whose weights are fixed.
    @Test(arguments: [0, 1, 2, 4, 5])
    func matchesFiniteDifferencesWithTheWeightsKept(index: Int) {
        let fixture = Case.all[index]
        let outputs = fixture.outputs.doubles
        let weights = plainPairWeights(outputs, fixture.labels, dimension: fixture.dimension)
        let expected = finiteDifferenceGradient(at: outputs) {
            plainReweightedLoss($0, fixture.labels, weights, dimension: fixture.dimension)
        }
        #expect(relativeError(expected, fixture.gradient) < 1e-5)
        let found = step(fixture.outputs, fixture.labels, dimension: fixture.dimension)
        #expect(relativeError(found.gradient, expected) < 1e-5)
    }

    /// Each part of the batch computes its own rows and sums; the sums of its microbatches are
    /// those of the whole.
    @Test(arguments: [1, 2, 3], [1, 2])
    func partsOfTheBatchGiveTheBitsOfTheWhole(microbatchesOfTheFirst: Int, threads: Int) {
        let fixture = Case.all[2]
        let whole = step(fixture.outputs, fixture.labels, dimension: fixture.dimension)
        let cut = microbatchesOfTheFirst * 4
        let count = fixture.labels.count
        let parts = [0..<cut, cut..<count].map {
            compare(
                $0, unit(fixture.outputs, fixture.dimension), fixture.labels, fixture.dimension,
                threads: threads)
        }
        let sums = parts.flatMap(\.sums)
        #expect(sums == whole.microbatchSums)
        #expect(parts.flatMap(\.coefficients).bits == whole.coefficients.bits)
    }

    @Test func aSampleThatIsNoNumberMakesALossThatIsNone() {
        var outputs = Case.all[1].outputs
        outputs[9] = .nan
        #expect(step(outputs, Case.all[1].labels, dimension: 8).loss.isNaN)
    }

    /// Products in single precision may exceed 1 by rounding.
    @Test func equalAndOppositeOutputsAreFinite() {
        let outputs: [Float] = [0.1, 0.7, 0.3, 0.1, 0.7, 0.3, -0.1, -0.7, -0.3, -0.1, -0.7, -0.3]
        for labels in [[0, 0, 0, 0], [0, 1, 2, 3], [0, 1, 0, 1]] as [[Int32]] {
            let found = step(outputs, labels, dimension: 3)
            #expect(found.loss.isFinite && found.gradient.allSatisfy(\.isFinite))
        }
        // An opposite pair of one class: w⁺ = σ(3), L = 10 σ(3).
        let opposite = step(Array(outputs[3..<9]), [1, 1], dimension: 3)
        #expect(abs(opposite.loss - 10 / (1 + exp(-3))) < 1e-5)
    }

    // MARK: - Helpers

    private static let microbatchSize = 4

    private func unit(_ outputs: [Float], _ dimension: Int) -> [Float] {
        var norms = [Float](repeating: .nan, count: outputs.count / dimension)
        var span = norms.mutableSpan
        return overwritten(outputs.count) {
            normalizeFeatures(
                outputs.span, dimension: dimension, temperature: 1, into: &$0, norms: &span)
        }
    }

    private func compare(
        _ samples: Range<Int>, _ units: [Float], _ labels: [Int32], _ dimension: Int, threads: Int = 2
    ) -> (coefficients: [Float], sums: [Double]) {
        var sums = [Double](repeating: .nan, count: 2 * ((samples.count + 3) / Self.microbatchSize))
        var span = sums.mutableSpan
        let pool = WorkerPool(threads: threads)
        let coefficients = overwritten(samples.count * labels.count) {
            comparePairs(
                of: samples, outputs: units.span, labels: labels.span, microbatchSize: Self.microbatchSize,
                coefficients: &$0, sums: &span, on: pool)
        }
        return (coefficients, sums)
    }

    /// Loss and gradient with respect to the outputs before normalisation, on one rank.
    private func step(
        _ outputs: [Float], _ labels: [Int32], dimension: Int
    ) -> (loss: Double, gradient: [Float], coefficients: [Float], microbatchSums: [Double]) {
        let units = unit(outputs, dimension)
        let (coefficients, microbatchSums) = compare(0..<labels.count, units, labels, dimension)
        var total = [0.0, 0.0]
        var totalSpan = total.mutableSpan
        let microbatchCount = microbatchSums.count / 2
        sumMicrobatches(
            microbatchSums.span, microbatchCount: microbatchCount, in: 0..<microbatchCount, into: &totalSpan)
        let sums = PairSums(total.span)
        var used = coefficients
        var usedSpan = used.mutableSpan
        let pool = WorkerPool(threads: 2)
        let unitGradient = overwritten(outputs.count) {
            differentiatePairs(
                &usedSpan, sums: sums, outputs: units.span, dimension: dimension,
                microbatchSize: Self.microbatchSize,
                into: &$0, on: pool)
        }
        let norms = stride(from: 0, to: outputs.count, by: dimension).map { start in
            outputs[start..<start + dimension].reduce(0) { $0 + $1 * $1 }.squareRoot()
        }
        let gradient = overwritten(outputs.count) {
            featureNormalizationGradient(
                unitGradient.span, features: outputs.span, norms: norms.span, dimension: dimension,
                temperature: 1, into: &$0)
        }
        return (sums.loss, gradient, coefficients, microbatchSums)
    }
}
