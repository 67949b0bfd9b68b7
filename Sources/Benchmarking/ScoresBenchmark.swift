package import Cluster
internal import Datasets
package import Detection
internal import Foundation
internal import Inference
internal import Kernels
package import Networks
internal import Numerics
internal import Reporting
internal import Training
internal import Workers

/// Times the forward pass alone and an evaluation with scores over the same random sets.
package struct ScoresBenchmark {
    package struct Report: Codable {
        package let network: String
        package let scores: [String]
        /// Images to fit the scores on.
        package let training: Int
        /// Images to score.
        package let scored: Int
        package let ranks: Int
        package let threads: Int
        package let rounds: Int
        /// Median over the rounds of the slowest rank's time; `evaluationSeconds` likewise.
        package let forwardSeconds: Double
        package let evaluationSeconds: Double
        /// Median of the rounds' ratios.
        package let ratio: Double
    }

    package let network: NetworkName
    package let scores: [ScoreDefinition]
    package let training: Int
    package let scored: Int
    package let batch: Int
    package let threads: Int
    package let communicator: any Communicator

    package init(
        network: NetworkName, scores: [ScoreDefinition], training: Int, scored: Int, batch: Int, threads: Int,
        communicator: any Communicator
    ) {
        self.network = network
        self.scores = scores
        self.training = training
        self.scored = scored
        self.batch = batch
        self.threads = threads
        self.communicator = communicator
    }

    /// Number of sets that the scored images are divided into; the first is in-distribution.
    private static let setCount = 9

    /// Collective.
    ///
    /// - Parameters:
    ///   - warmUp: Rounds that are not timed.
    ///   - progress: Called repeatedly with the completed fraction of all rounds and the name of
    ///     the current set and pass.
    package func run(
        rounds: Int, after warmUp: Int, progress: (_ fraction: Double, _ text: String) -> Void
    ) throws -> Report {
        let classifier = Classifier(network, head: .t2fnorm(temperature: 0.1), classes: 10)
        classifier.parameters.initialize(seed: 0)
        let pass = ForwardPass(
            classifier: classifier,
            transform: EvaluationTransform(
                size: network.imageSize, shorterSide: nil, normalization: .cifar10),
            microbatchSize: 32, batchSize: batch, communicator: communicator,
            pool: WorkerPool(threads: threads))
        let trainingSet = set("training", count: training, key: 0, classes: 10)
        let sets = (0..<Self.setCount).map { index in
            set(
                "set \(index)", count: scored / Self.setCount, key: index + 1, classes: index == 0 ? 10 : nil)
        }
        let benchmark = Benchmark(
            inDistribution: sets[0], near: Array(sets[1...2]), far: Array(sets[3...]))
        let evaluator = Evaluator(
            pass, classifier: classifier, communicator: communicator)
        var times: [(forward: Double, evaluation: Double)] = []
        let all = [trainingSet] + sets
        let total = Double(2 * all.reduce(0) { $0 + $1.source.count } * (warmUp + rounds))
        var done = 0
        func tell(_ set: String, _ kind: String, _ count: Int) {
            progress(Double(done + count) / total, "\(set), \(kind)")
        }
        for round in 0..<warmUp + rounds {
            let forward = try seconds {
                for set in all {
                    tell(set.name, "the network alone", 0)
                    try pass.forEachBatch(of: set.source) { _ in }
                    done += set.source.count
                }
            }
            let evaluation = try seconds {
                var current = trainingSet
                _ = try evaluator.evaluate(benchmark, scores: scores, training: trainingSet) { name, count in
                    if name != current.name, let next = all.first(where: { $0.name == name }) {
                        done += current.source.count
                        current = next
                    }
                    tell(name, "with scores", count)
                }
                done += current.source.count
            }
            if round >= warmUp { times.append((forward, evaluation)) }
        }
        return Report(
            network: network.rawValue, scores: scores.map(\.title), training: training,
            scored: scored / Self.setCount * Self.setCount, ranks: communicator.worldSize, threads: threads,
            rounds: rounds, forwardSeconds: median(of: times.map(\.forward)),
            evaluationSeconds: median(of: times.map(\.evaluation)),
            ratio: median(of: times.map { $0.evaluation / $0.forward }))
    }

    /// Time in seconds of the slowest rank.
    private func seconds(_ body: () throws -> Void) throws -> Double {
        try communicator.barrier()
        let start = ContinuousClock.now
        try body()
        return Double(try communicator.maximum(Int((ContinuousClock.now - start).inSeconds * 1e9))) / 1e9
    }

    private func set(_ name: String, count: Int, key: Int, classes: Int?) -> NamedSet {
        NamedSet(
            name: name,
            source: DrawnImages(count: count, size: network.imageSize, key: key, classes: classes))
    }
}

/// Images of random bytes in memory; each record is a window into the same bytes at its own offset.
private struct DrawnImages: ImageSource {
    let count: Int
    private let size: Int
    private let key: Int
    private let classes: Int?
    private let bytes: [UInt8]

    /// - Parameter classes: Record `i` has label `i` modulo this; `nil` for no labels.
    init(count: Int, size: Int, key: Int, classes: Int?) {
        self.count = count
        self.size = size
        self.key = key
        self.classes = classes
        var numbers = RandomStream(seed: UInt64(key), purpose: .test, 3)
        bytes = (0..<2 * size * size * 3).map { _ in UInt8(truncatingIfNeeded: numbers.integer(below: 256)) }
    }

    func label(of record: Int) -> Int32 { classes.map { Int32(record % $0) } ?? -1 }

    func image(of record: Int) -> RGBImage {
        let start = record * 7919 % (size * size * 3)
        return RGBImage(width: size, height: size, bytes: Array(bytes[start..<start + size * size * 3]))
    }
}
