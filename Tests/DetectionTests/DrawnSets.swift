import Cluster
import Datasets
import Detection
import Inference
import Kernels
import Metrics
import Networks
import Numerics
import TestSupport
import Workers

/// Random images of 8×8 pixels, a function of the stream and the record's index.
struct DrawnSet: ImageSource {
    let count: Int
    /// Selects the random stream; another value draws other images.
    let stream: Int
    /// Whether labels are classes; otherwise they are −1.
    var isInDistribution = false
    var keepsSize = false

    func label(of record: Int) -> Int32 { isInDistribution ? Int32(record % 10) : -1 }

    func image(of record: Int) -> RGBImage {
        var random = RandomStream(seed: 7, purpose: .test, stream, record)
        // Sets differ in brightness, so that they can be separated.
        let dark = UInt8(truncatingIfNeeded: stream * 23)
        return RGBImage(
            width: 8, height: 8, bytes: (0..<192).map { _ in UInt8(random.nextWord() & 0x7F) &+ dark })
    }
}

/// An untrained network and a benchmark of drawn sets.
struct DrawnBenchmark {
    var benchmark: Benchmark
    var classifier: Classifier

    init(counts: [Int] = [40, 30, 20, 25], rows: (near: [String], far: [String])? = nil) {
        let set = { (name: String, place: Int, isIn: Bool) in
            NamedSet(
                name: name, source: DrawnSet(count: counts[place], stream: place + 1, isInDistribution: isIn))
        }
        benchmark = Benchmark(
            inDistribution: set("test", 0, true), near: [set("near", 1, false)], far: [set("far", 2, false)],
            covariateShifted: [set("shifted", 3, true)], rows: rows)
        classifier = Classifier(
            .resnet20, head: .t2fnorm(temperature: 0.1), classes: 10, imageSize: 8)
        classifier.parameters.initialize(seed: 3)
    }

    /// The results of an evaluation by `ranks` ranks, one per rank.
    static func evaluate(
        ranks: Int, threads: Int = 1, counts: [Int], scores: [ScoreDefinition], microbatch: Int = 8
    ) throws -> [Evaluation] {
        try ThreadedWorld.run(size: ranks) { rank, world in
            let drawn = DrawnBenchmark(counts: counts)
            let pool = WorkerPool(threads: threads)
            return try drawn.evaluator(
                CheckedCommunicator(ThreadedCommunicator(rank: rank, of: world)), microbatch: microbatch,
                pool: pool
            ).evaluate(
                drawn.benchmark, scores: scores, training: drawn.benchmark.inDistribution,
                measure: FeatureMeasure(drawn.classifier, microbatchSize: microbatch, pool: pool))
        }
    }

    func evaluator(
        _ communicator: any Communicator, microbatch: Int = 8, shorterSide: Int = 8, pool: WorkerPool
    ) -> Evaluator {
        let transform = EvaluationTransform(
            size: 8, shorterSide: shorterSide,
            normalization: ChannelNormalization(mean: [0.5, 0.5, 0.5], deviation: [0.25, 0.25, 0.25]))
        let pass = ForwardPass(
            classifier: classifier, transform: transform, microbatchSize: microbatch, batchSize: 64,
            communicator: communicator, pool: pool)
        return Evaluator(
            pass, classifier: classifier, communicator: communicator)
    }
}
