public import Cluster
public import Datasets
internal import Kernels
public import Metrics
public import Networks
internal import Workers

/// A packed set with the name that tables call it by.
public struct NamedSet: Sendable {
    public var name: String
    public var source: any ImageSource

    public init(name: String, source: any ImageSource) {
        self.name = name
        self.source = source
    }
}

/// What a detector is judged on.
public struct Benchmark: Sendable {
    /// The in-distribution test set; every label is a class.
    public var inDistribution: NamedSet
    /// Out-of-distribution sets that look like it, in the table's order.
    public var near: [NamedSet]
    /// Out-of-distribution sets that do not, in the table's order.
    public var far: [NamedSet]

    public init(inDistribution: NamedSet, near: [NamedSet], far: [NamedSet]) {
        self.inDistribution = inDistribution
        self.near = near
        self.far = far
    }

    var sets: [NamedSet] { [inDistribution] + near + far }
}

/// The tables of one model.
public struct Evaluation: Sendable {
    /// Of the classifier on the in-distribution set, by the logits that training uses.
    public let accuracy: Accuracy
    /// One table a score, in the order asked for.
    public let results: [(score: ScoreName, result: BenchmarkResult)]
    /// What was chosen for the scores that have settings to search for; empty without a search.
    public let choices: [ScoreChoice]
}

/// Scores all sets of a benchmark on all ranks and ranks the confidences.
///
/// Features are computed once and shared by all scores. Confidences of all ranks are gathered in the order of
/// records, so tables have the same bits for every world of 2ᵏ ranks, and for any other that shares out lanes.
public struct Evaluator {
    private let pass: ForwardPass
    private let head: ScoringHead
    private let network: InspectedNetwork
    private let communicator: any Communicator
    private let describe: (any Error) -> (exitCode: Int32, message: String)

    /// - Parameter describe: The exit code and the line for an error, by which all ranks learn of one rank's.
    public init(
        _ pass: ForwardPass, classifier: Classifier, communicator: any Communicator,
        describe: @escaping (any Error) -> (exitCode: Int32, message: String)
    ) {
        self.pass = pass
        head = ScoringHead(classifier)
        network = pass.network
        self.communicator = communicator
        self.describe = describe
    }

    /// The tables of `scores`, the same on every rank.
    ///
    /// - Parameters:
    ///   - training: The training set, read once if a score is fitted on it.
    ///   - validation: The in-distribution validation set, read once if a score is fitted on it; where there is none, such
    ///     a score is fitted on the training set.
    ///   - outlierValidation: The out-of-distribution validation set by which, with `validation`, settings are searched for; `nil`
    ///     for no search.
    ///   - progress: Called on every rank after each batch of its share: the set, and how many of its records are done.
    /// - Precondition: There is a training set if `scores.needTraining`.
    /// - Throws: `JobFailure`, the same on all ranks, or `MPIError`.
    public func evaluate(
        _ benchmark: Benchmark, scores: [ScoreName], training: NamedSet? = nil,
        validation: NamedSet? = nil, outlierValidation: NamedSet? = nil,
        progress: (_ set: String, _ done: Int) -> Void = { _, _ in }
    ) throws -> Evaluation {
        let fit = try fit(scores, training, validation, searches: outlierValidation != nil, progress)
        let search = try outlierValidation.flatMap { try self.search($0, fit, progress) }
        let made = try communicator.together(describe: describe) {
            try scores.map { name -> (score: any Score, choice: ScoreChoice?) in
                try search?.makeScore(name) ?? (score: name.makeScore(fit), choice: nil)
            }
        }
        let fitted = made.map(\.score)
        var confidences: [[[Float]]] = []
        var correct = 0
        for set in benchmark.sets {
            var own = try communicator.together(describe: describe) {
                try score(set, fitted, progress)
            }
            // These scores' records are shared out over the ranks, which look at all samples together.
            for (index, score) in fitted.enumerated() {
                guard let score = score as? any ShardedScore else { continue }
                own.confidences[index] = try score.confidences(
                    of: own.share, on: communicator, pool: pass.layout.pool)
            }
            if confidences.isEmpty { correct = own.correct }
            let counts = pass.shares(of: set.source.count)
            confidences.append(
                try own.confidences.map { try communicator.allGather($0.span, counts: counts) })
        }
        var sum = [Int64(correct)]
        var span = sum.mutableSpan
        try communicator.treeSum(&span)
        let accuracy = Accuracy(correct: Int(sum[0]), count: benchmark.inDistribution.source.count)
        return try communicator.together(describe: describe) {
            Evaluation(
                accuracy: accuracy,
                results: try scores.enumerated().map { index, score in
                    (score, try rank(benchmark, confidences.map { $0[index] }, score, accuracy))
                }, choices: made.compactMap(\.choice))
        }
    }

    /// What the scores must know of the training and the validation set. Collective.
    private func fit(
        _ scores: [ScoreName], _ training: NamedSet?, _ validation: NamedSet?, searches: Bool,
        _ progress: (_ set: String, _ done: Int) -> Void
    ) throws -> ScoreFit? {
        var (mean, trainingShare, validationShare): ([Float]?, FeatureShare?, FeatureShare?)
        if let training, scores.keepTraining(hasValidation: validation != nil) {
            trainingShare = try share(of: training, progress)
        } else if let training, scores.needTraining(hasValidation: validation != nil) {
            mean = try self.mean(of: training, progress)
        }
        if let validation, searches || scores.needValidation {
            validationShare = try share(of: validation, progress)
        }
        if let mean, validationShare == nil { return ScoreFit(head: head, featureMean: mean) }
        guard trainingShare != nil || validationShare != nil else { return nil }
        return try communicator.together(describe: describe) {
            try ScoreFit(
                head: head, training: trainingShare, featureMean: mean, validation: validationShare,
                trainingImages: training.map(images), validationImages: validation.map(images),
                communicator: communicator)
        }
    }

    /// What settings are searched for with; `nil` where nothing was fitted. Collective.
    private func search(
        _ outliers: NamedSet, _ fit: ScoreFit?, _ progress: (_ set: String, _ done: Int) -> Void
    ) throws -> ScoreSearch? {
        guard let fit else { return nil }
        return ScoreSearch(
            fit, outliers: try share(of: outliers, progress), images: images(of: outliers),
            pool: pass.layout.pool)
    }

    /// The rank's images of a set, for what is observed of them.
    private func images(of set: NamedSet) -> ImagePass {
        ImagePass(network, firstRecord: pass.firstRecord(of: set.source.count)) { body in
            try communicator.together(describe: describe) {
                try pass.forEachImages(of: set.source, body)
            }
        }
    }

    /// The mean feature of a set, of which nothing else is kept. Collective.
    private func mean(
        of set: NamedSet, _ progress: (_ set: String, _ done: Int) -> Void
    ) throws -> [Float] {
        let sums = try communicator.together(describe: describe) {
            var sums = LaneFeatureSums(dimension: head.dimension, laneSize: pass.layout.laneSize)
            var done = 0
            try pass.forEachBatch(of: set.source) { outputs in
                sums.add(outputs.features.span)
                done += outputs.labels.count
                progress(set.name, done)
            }
            return sums
        }
        return try sums.mean(on: communicator)
    }

    /// The rank's share of a set. Collective.
    private func share(
        of set: NamedSet, _ progress: (_ set: String, _ done: Int) -> Void
    ) throws -> FeatureShare {
        try communicator.together(describe: describe) {
            var share = FeatureShare(head: head, laneSize: pass.layout.laneSize)
            try pass.forEachBatch(of: set.source) { outputs in
                var logits = [Float](repeating: 0, count: outputs.logits.count)
                fillScoringLogits(outputs, into: &logits)
                share.add(features: outputs.features, logits: logits, labels: outputs.labels)
                progress(set.name, share.count)
            }
            return share
        }
    }

    /// The rank's share of one set; what sharded scores are to look at is kept.
    private func score(
        _ set: NamedSet, _ scores: [any Score], _ progress: (_ set: String, _ done: Int) -> Void
    ) throws -> (confidences: [[Float]], correct: Int, share: FeatureShare) {
        let keepsShare = scores.contains { $0 is any ShardedScore }
        var share = FeatureShare(head: head, laneSize: pass.layout.laneSize)
        var confidences = [[Float]](repeating: [], count: scores.count)
        var correct = 0
        var done = 0
        try pass.forEachBatch(of: set.source) { outputs, images in
            correct += outputs.correctCount
            var logits = [Float](repeating: 0, count: outputs.logits.count)
            fillScoringLogits(outputs, into: &logits)
            let input = ScoreInput(features: outputs.features.span, logits: logits.span, head: head)
            if keepsShare {
                share.add(features: outputs.features, logits: logits, labels: outputs.labels)
            }
            var observed: [String: [Float]] = [:]
            for (index, score) in scores.enumerated() where !(score is any ShardedScore) {
                guard let observation = score.observation else {
                    confidences[index] += score.confidences(input, on: pass.layout.pool)
                    continue
                }
                let values =
                    try observed[observation.key]
                    ?? network.observe(observation, images: images, input)
                observed[observation.key] = values
                confidences[index] += score.confidences(
                    ScoreInput(
                        features: outputs.features.span, logits: logits.span, head: head,
                        observed: values.span), on: pass.layout.pool)
            }
            done += outputs.labels.count
            progress(set.name, done)
        }
        return (confidences, correct, share)
    }

    private func fillScoringLogits(_ outputs: ForwardPass.Outputs, into logits: inout [Float]) {
        let (laneSize, pool) = pass.layout
        var span = logits.mutableSpan
        head.logits(of: outputs.features.span, laneSize: laneSize, into: &span, on: pool)
    }

    /// - Parameter confidences: One array a set of the benchmark, in its order.
    private func rank(
        _ benchmark: Benchmark, _ confidences: [[Float]], _ score: ScoreName, _ accuracy: Accuracy
    ) throws -> BenchmarkResult {
        let inDistribution = confidences[0]
        var entries: [BenchmarkResult.Entry] = []
        for (set, values) in zip(benchmark.sets, confidences).dropFirst() {
            do {
                entries.append(
                    BenchmarkResult.Entry(
                        dataset: set.name,
                        metrics: try RankingMetrics(
                            inDistribution: inDistribution.span, outOfDistribution: values.span)))
            } catch {
                var error = error
                error.score = score.rawValue
                error.dataset = set.name
                throw error
            }
        }
        return BenchmarkResult(
            near: Array(entries.prefix(benchmark.near.count)),
            far: Array(entries.dropFirst(benchmark.near.count)), accuracy: accuracy)
    }
}

extension ScoringHead {
    /// The last layer of `classifier` with τ folded in.
    init(_ classifier: Classifier) {
        let last = classifier.lastLayer
        switch classifier.headKind {
        case .linear: self.init(weights: last.weights, bias: last.bias)
        case .t2fnorm(let temperature):
            self.init(weights: last.weights, bias: last.bias, temperature: temperature)
        }
    }
}
