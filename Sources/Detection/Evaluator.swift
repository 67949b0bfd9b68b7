public import Cluster
internal import Datasets
internal import Kernels
public import Metrics
public import Networks
internal import Workers

/// The tables of one model.
public struct Evaluation: Sendable {
    /// Of the classifier on the in-distribution set, by the logits that training uses; `nil` of a network without one.
    public let accuracy: Accuracy?
    /// One table a score, in the order asked for.
    public let results: [(score: ScoreName, result: BenchmarkResult)]
    /// Likewise of the full-spectrum task; empty where the benchmark has no covariate-shifted set.
    public let fullSpectrum: [(score: ScoreName, result: BenchmarkResult)]
    /// What the tables are made of: the benchmark's sets, in its order.
    public let sets: [ScoredSet]
    /// What was chosen for the scores that have settings to search for; empty without a search.
    public let choices: [ScoreChoice]

    /// The tables of a task.
    public func results(of task: Benchmark.Task) -> [(score: ScoreName, result: BenchmarkResult)] {
        task == .standard ? results : fullSpectrum
    }
}

/// Scores all sets of a benchmark on all ranks and ranks the confidences.
///
/// Features are computed once and shared by all scores. Confidences of all ranks are gathered in the order of
/// records, so tables have the same bits for every world of 2ᵏ ranks, and for any other that shares out lanes.
public struct Evaluator {
    private let pass: ForwardPass
    private let head: ScoringHead
    private let network: InspectedNetwork
    private let options: ScoreOptions
    private let communicator: any Communicator
    private let describe: (any Error) -> (exitCode: Int32, message: String)

    /// - Parameters:
    ///   - members: Other networks of the same classes, which see the same images, for an ensemble.
    ///   - options: What can be chosen of scores.
    ///   - describe: The exit code and the line for an error, by which all ranks learn of one rank's.
    public init(
        _ pass: ForwardPass, classifier: Classifier, members: [Classifier] = [],
        options: ScoreOptions = ScoreOptions(), communicator: any Communicator,
        describe: @escaping (any Error) -> (exitCode: Int32, message: String)
    ) {
        self.pass = pass
        head = ScoringHead(classifier, options)
        network = pass.network(with: members, options)
        self.options = options
        self.communicator = communicator
        self.describe = describe
    }

    /// The tables of `scores`, the same on every rank.
    ///
    /// - Parameters: As for `score(_:by:training:validation:outlierValidation:searches:measure:progress:)`.
    /// - Precondition: There is a training set if `scores.needTraining`; scores need no logits if there is no classifier.
    /// - Throws: `JobFailure`, the same on all ranks, or `MPIError`.
    public func evaluate(
        _ benchmark: Benchmark, scores: [ScoreName], training: NamedSet? = nil,
        validation: NamedSet? = nil, outlierValidation: NamedSet? = nil, searches: Bool = false,
        measure: (any SampleMeasure)? = nil,
        progress: (_ set: String, _ done: Int) -> Void = { _, _ in }
    ) throws -> Evaluation {
        let (sets, choices) = try score(
            benchmark.sets, by: scores, training: training, validation: validation,
            outlierValidation: outlierValidation, searches: searches, measure: measure,
            progress: progress)
        return try communicator.together(describe: describe) {
            let results = { (task: Benchmark.Task) in
                guard benchmark.tasks.contains(task) else { return [] as [(ScoreName, BenchmarkResult)] }
                return try scores.enumerated().map { index, score in
                    (score, try benchmark.result(of: score, at: index, task: task, sets))
                }
            }
            return Evaluation(
                accuracy: sets[0].accuracy, results: try results(.standard),
                fullSpectrum: try results(.fullSpectrum), sets: sets, choices: choices)
        }
    }

    /// Scores whole sets; every rank gets all of them. Collective.
    ///
    /// - Parameters:
    ///   - training: The training set, read once if a score is fitted on it.
    ///   - validation: The in-distribution validation set, read once if a score is fitted on it; where there is none, such
    ///     a score is fitted on the training set.
    ///   - outlierValidation: The out-of-distribution validation set, read once if a score is fitted on it or settings are searched for.
    ///   - searches: Whether settings are searched for by the two validation sets.
    ///   - measure: What else is to be known of each sample.
    ///   - progress: Called on every rank after each batch of its share: the set, and how many of its records are done.
    /// - Precondition: There is a training set if `scores.needTraining`, and the other sets that are needed.
    /// - Throws: `JobFailure`, the same on all ranks, or `MPIError`.
    public func score(
        _ sets: [NamedSet], by scores: [ScoreName], training: NamedSet? = nil, validation: NamedSet? = nil,
        outlierValidation: NamedSet? = nil, searches: Bool = false, measure: (any SampleMeasure)? = nil,
        progress: (_ set: String, _ done: Int) -> Void = { _, _ in }
    ) throws -> (sets: [ScoredSet], choices: [ScoreChoice]) {
        let fit = try fit(scores, training, validation, outlierValidation, searches: searches, progress)
        let search = searches ? search(outlierValidation, fit) : nil
        let made = try alike {
            try scores.map { name -> (score: any Score, choice: ScoreChoice?) in
                try search?.makeScore(name) ?? (score: name.makeScore(fit), choice: nil)
            }
        }
        let fitted = made.map(\.score)
        let scored = try sets.map { set in
            var own = try communicator.together(describe: describe) {
                try score(set, fitted, measure, progress)
            }
            // These scores' records are shared out over the ranks, which look at all samples together.
            for (index, score) in fitted.enumerated() {
                guard let score = score as? any ShardedScore else { continue }
                own.confidences[index] = try score.confidences(
                    of: own.share, on: communicator, pool: pass.layout.pool)
            }
            return try gather(own, of: set)
        }
        return (scored, made.compactMap(\.choice))
    }

    /// The whole set from the ranks' parts. Collective.
    private func gather(_ own: ScoredPart, of set: NamedSet) throws -> ScoredSet {
        let counts = pass.shares(of: set.source.count)
        let records = try communicator.allGather(own.records.map(Int64.init).span, counts: counts)
        let predictions = try communicator.allGather(own.predictions.span, counts: counts)
        return ScoredSet(
            name: set.name, records: records.map(Int.init),
            labels: records.map { set.source.label(of: Int($0)) }, predictions: predictions,
            confidences: try own.confidences.map { try communicator.allGather($0.span, counts: counts) },
            measures: try own.measures.map { try communicator.allGather($0.span, counts: counts) })
    }

    /// What the scores must know of the training and the validation set. Collective.
    private func fit(
        _ scores: [ScoreName], _ training: NamedSet?, _ validation: NamedSet?, _ outliers: NamedSet?,
        searches: Bool, _ progress: (_ set: String, _ done: Int) -> Void
    ) throws -> ScoreFit? {
        var mean: [Float]?
        var (trainingShare, validationShare, outlierShare): (FeatureShare?, FeatureShare?, FeatureShare?)
        if let training, scores.keepTraining(hasValidation: validation != nil) {
            trainingShare = try share(of: training, progress)
        } else if let training, scores.needTraining(hasValidation: validation != nil) {
            mean = try self.mean(of: training, progress)
        }
        if let validation, searches || scores.needValidation {
            validationShare = try share(of: validation, progress)
        }
        if let outliers, searches || scores.needOutliers {
            outlierShare = try share(of: outliers, progress)
        }
        if let mean, validationShare == nil { return ScoreFit(head: head, featureMean: mean) }
        guard trainingShare != nil || validationShare != nil else { return nil }
        return try alike {
            try ScoreFit(
                head: head, training: trainingShare, featureMean: mean, validation: validationShare,
                outliers: outlierShare, trainingImages: training.map(images),
                validationImages: validation.map(images), options: options, communicator: communicator)
        }
    }

    /// Runs what is collective itself and fails on all ranks alike, by numbers that all have: its error becomes the `JobFailure` that all
    /// throw. Another error is this rank's own and goes on as it is, to end the job.
    private func alike<Result>(_ body: () throws -> Result) throws -> Result {
        do {
            return try body()
        } catch  where error is ScoreFitError || error is RankingMetricsError {
            let (code, message) = describe(error)
            throw JobFailure(rank: 0, exitCode: code, message: message)
        }
    }

    /// What settings are searched for with; `nil` where nothing was fitted.
    private func search(_ outliers: NamedSet?, _ fit: ScoreFit?) -> ScoreSearch? {
        guard let outliers, let fit else { return nil }
        return ScoreSearch(
            fit, outliers: fit.outliers, images: images(of: outliers), pool: pass.layout.pool)
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
                var logits = [Float](repeating: 0, count: outputs.labels.count * head.classes)
                fillScoringLogits(outputs, into: &logits)
                share.add(features: outputs.features, logits: logits, labels: outputs.labels)
                progress(set.name, share.count)
            }
            return share
        }
    }

    /// The rank's share of one set; what sharded scores are to look at is kept.
    private func score(
        _ set: NamedSet, _ scores: [any Score], _ measure: (any SampleMeasure)?,
        _ progress: (_ set: String, _ done: Int) -> Void
    ) throws -> ScoredPart {
        let keepsShare = scores.contains { $0 is any ShardedScore }
        var part = ScoredPart(
            share: FeatureShare(head: head, laneSize: pass.layout.laneSize), scoreCount: scores.count,
            measureCount: measure?.names.count ?? 0)
        try pass.forEachBatch(of: set.source) { outputs, images in
            var logits = [Float](repeating: 0, count: outputs.labels.count * head.classes)
            fillScoringLogits(outputs, into: &logits)
            let input = ScoreInput(features: outputs.features.span, logits: logits.span, head: head)
            if keepsShare {
                part.share.add(features: outputs.features, logits: logits, labels: outputs.labels)
            }
            var observed: [String: [Float]] = [:]
            for (index, score) in scores.enumerated() where !(score is any ShardedScore) {
                guard let observation = score.observation else {
                    part.confidences[index] += score.confidences(input, on: pass.layout.pool)
                    continue
                }
                let values =
                    try observed[observation.key]
                    ?? network.observe(observation, images: images, input)
                observed[observation.key] = values
                part.confidences[index] += score.confidences(
                    ScoreInput(
                        features: outputs.features.span, logits: logits.span, head: head,
                        observed: values.span), on: pass.layout.pool)
            }
            for (index, values) in (measure?.values(of: outputs) ?? []).enumerated() {
                part.measures[index] += values
            }
            part.records += outputs.records
            part.predictions += outputs.predictions
            progress(set.name, part.records.count)
        }
        return part
    }

    private func fillScoringLogits(_ outputs: ForwardPass.Outputs, into logits: inout [Float]) {
        let (laneSize, pool) = pass.layout
        var span = logits.mutableSpan
        head.logits(of: outputs.features.span, laneSize: laneSize, into: &span, on: pool)
    }
}

/// A rank's part of a scored set.
private struct ScoredPart {
    var records: [Int] = []
    var predictions: [Int32] = []
    var confidences: [[Double]]
    var measures: [[Float]]
    /// Kept for sharded scores alone.
    var share: FeatureShare

    init(share: FeatureShare, scoreCount: Int, measureCount: Int) {
        confidences = [[Double]](repeating: [], count: scoreCount)
        measures = [[Float]](repeating: [], count: measureCount)
        self.share = share
    }
}

extension ScoringHead {
    /// The last layer of `classifier` with τ folded in; of a network without a classifier a layer of zeros, for scores of features alone.
    init(_ classifier: Classifier, _ options: ScoreOptions) {
        switch classifier.headKind {
        case .linear:
            let last = classifier.lastLayer
            self.init(weights: last.weights, bias: last.bias)
        case .t2fnorm(let temperature):
            let last = classifier.lastLayer
            self.init(weights: last.weights, bias: last.bias, temperature: temperature, options: options)
        case .projection:
            // Every logit is 0, and what is made of them is not shown.
            self.init(
                weights: [Float](repeating: 0, count: classifier.classes * classifier.featureDimension),
                bias: [Float](repeating: 0, count: classifier.classes))
        }
    }
}
