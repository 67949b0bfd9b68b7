package import Cluster
internal import Datasets
internal import Failures
package import Inference
internal import Kernels
package import Metrics
package import Networks
internal import Workers

/// The tables of one model.
package struct Evaluation: Sendable {
    /// The classifier's accuracy on the in-distribution set, from the logits that training uses;
    /// `nil` for a network without a classifier.
    package let accuracy: Accuracy?
    /// One table per score, in the requested order.
    package let results: [(score: ScoreDefinition, result: BenchmarkResult)]
    /// The same for the full-spectrum task; empty if the benchmark has no covariate-shifted set.
    package let fullSpectrum: [(score: ScoreDefinition, result: BenchmarkResult)]
    /// The scored sets that the tables are computed from, in the benchmark's order.
    package let sets: [ScoredSet]
    /// The settings that the search chose, for scores with settings to search; empty without a
    /// search.
    package let choices: [ScoreChoice]

    /// The tables of a task.
    package func results(of task: Benchmark.Task) -> [(score: ScoreDefinition, result: BenchmarkResult)] {
        task == .standard ? results : fullSpectrum
    }
}

/// Scores all sets of a benchmark on all ranks and ranks the confidences.
///
/// Features are computed once and shared by all scores. Confidences of all ranks are gathered in
/// record order, so tables have the same bits for every world of 2ᵏ ranks, and for a world of any
/// other size that distributes whole microbatches.
package struct Evaluator {
    private let pass: ForwardPass
    private let head: ScoringHead
    private let network: InspectedNetwork
    private let options: ScoreOptions
    private let communicator: any Communicator

    /// - Parameters:
    ///   - members: Other networks for an ensemble, with the same classes; they evaluate the same
    ///     images.
    ///   - options: Options of the scores.
    package init(
        _ pass: ForwardPass, classifier: Classifier, members: [Classifier] = [],
        options: ScoreOptions = ScoreOptions(), communicator: any Communicator
    ) {
        self.pass = pass
        head = ScoringHead(classifier, dividing: options.temperature)
        network = pass.network(with: members, dividing: options.temperature)
        self.options = options
        self.communicator = communicator
    }

    /// The tables of `scores`, the same on every rank.
    ///
    /// - Parameters: As for
    ///   `score(_:by:training:validation:outlierValidation:searches:measure:progress:)`.
    /// - Precondition: There is each set of the scores' `ScoreNeeds`; scores need no logits if there
    ///   is no classifier.
    /// - Throws: `JobFailure`, the same on all ranks, or `MPIError`.
    package func evaluate(
        _ benchmark: Benchmark, scores: [ScoreDefinition], training: NamedSet? = nil,
        validation: NamedSet? = nil, outlierValidation: NamedSet? = nil, searches: Bool = false,
        measure: (any SampleMeasure)? = nil,
        progress: (_ set: String, _ done: Int) -> Void = { _, _ in }
    ) throws -> Evaluation {
        let (sets, choices) = try score(
            benchmark.sets, by: scores, training: training, validation: validation,
            outlierValidation: outlierValidation, searches: searches, measure: measure,
            progress: progress)
        return try communicator.together {
            let results = { (task: Benchmark.Task) in
                guard benchmark.tasks.contains(task) else {
                    return [] as [(ScoreDefinition, BenchmarkResult)]
                }
                return try scores.enumerated().map { index, score in
                    (score, try benchmark.result(of: score, at: index, task: task, sets))
                }
            }
            return Evaluation(
                accuracy: sets[0].accuracy, results: try results(.standard),
                fullSpectrum: try results(.fullSpectrum), sets: sets, choices: choices)
        }
    }

    /// Scores whole sets; every rank receives all results. Collective.
    ///
    /// - Parameters:
    ///   - training: The training set, read once if a score is fitted on it.
    ///   - validation: The in-distribution validation set, read once if a score is fitted on it; if
    ///     there is none, such a score is fitted on the training set.
    ///   - outlierValidation: The out-of-distribution validation set, read once if a score is
    ///     fitted on it or settings are searched.
    ///   - searches: Whether settings are searched on the two validation sets.
    ///   - measure: Additional measurements of each sample.
    ///   - progress: Called on every rank after each batch of its shard, with the set's name and
    ///     how many of the shard's records are done.
    /// - Precondition: There is each set of the scores' `ScoreNeeds`.
    /// - Throws: `JobFailure`, the same on all ranks, or `MPIError`.
    package func score(
        _ sets: [NamedSet], by scores: [ScoreDefinition], training: NamedSet? = nil,
        validation: NamedSet? = nil,
        outlierValidation: NamedSet? = nil, searches: Bool = false, measure: (any SampleMeasure)? = nil,
        progress: (_ set: String, _ done: Int) -> Void = { _, _ in }
    ) throws -> (sets: [ScoredSet], choices: [ScoreChoice]) {
        let fit = try fit(scores, training, validation, outlierValidation, searches: searches, progress)
        let search = searches ? search(outlierValidation, fit) : nil
        let made = try agreeing {
            try scores.map { definition -> (score: any Score, choice: ScoreChoice?) in
                try search?.makeScore(definition) ?? (score: definition.makeScore(fit), choice: nil)
            }
        }
        let fitted = made.map(\.score)
        let scored = try sets.map { set in
            var own = try communicator.together {
                try score(set, fitted, measure, progress)
            }
            // These scores' training records are sharded over the ranks, so all ranks evaluate
            // every sample.
            for (index, score) in fitted.enumerated() {
                guard let score = score.sharded else { continue }
                own.confidences[index] = try score.confidences(
                    of: own.shard, on: communicator, pool: pass.layout.pool)
            }
            return try gather(own, of: set)
        }
        return (scored, made.compactMap(\.choice))
    }

    /// Gathers the whole set from the ranks' parts. Collective.
    private func gather(_ own: SetShard, of set: NamedSet) throws -> ScoredSet {
        let counts = pass.recordsPerRank(of: set.source.count)
        // The span of a temporary crashes the compiler in debug builds (Swift 6.3.1).
        let ownRecords = own.records.map(Int64.init)
        let records = try communicator.allGather(ownRecords.span, counts: counts)
        let predictions = try communicator.allGather(own.predictions.span, counts: counts)
        return ScoredSet(
            name: set.name, records: records.map(Int.init),
            labels: records.map { set.source.label(of: Int($0)) }, predictions: predictions,
            confidences: try own.confidences.map { try communicator.allGather($0.span, counts: counts) },
            measures: try own.measures.map { try communicator.allGather($0.span, counts: counts) })
    }

    /// Reads what the scores are fitted on from the training and validation sets; `nil` if they
    /// need nothing. Collective.
    private func fit(
        _ scores: [ScoreDefinition], _ training: NamedSet?, _ validation: NamedSet?, _ outliers: NamedSet?,
        searches: Bool, _ progress: (_ set: String, _ done: Int) -> Void
    ) throws -> FitContext? {
        var mean: [Float]?
        var (trainingShard, validationShard, outlierShard): (FeatureShard?, FeatureShard?, FeatureShard?)
        let needs = ScoreNeeds(scores, hasValidation: validation != nil, searches: searches)
        if let training, needs.training == .features {
            trainingShard = try shard(of: training, progress)
        } else if let training, needs.training == .mean {
            mean = try self.mean(of: training, progress)
        }
        if let validation, needs.validation {
            validationShard = try shard(of: validation, progress)
        }
        if let outliers, needs.outliers {
            outlierShard = try shard(of: outliers, progress)
        }
        if let mean, validationShard == nil { return FitContext(head: head, featureMean: mean) }
        guard trainingShard != nil || validationShard != nil else { return nil }
        return try agreeing {
            try FitContext(
                head: head, training: trainingShard, featureMean: mean, validation: validationShard,
                outliers: outlierShard, trainingImages: training.map(images),
                validationImages: validation.map(images), options: options, communicator: communicator)
        }
    }

    /// Runs a collective `body`. It throws a `FitError` or `RankingMetricsError` on all ranks or on
    /// none, because these depend on values that all ranks have; such an error becomes the
    /// `JobFailure` that all ranks throw. Any other error belongs to this rank alone and is
    /// rethrown unchanged, which ends the job.
    private func agreeing<Result>(_ body: () throws -> Result) throws -> Result {
        do {
            return try body()
        } catch  where error is FitError || error is RankingMetricsError {
            let (code, message) = failureReport(of: error)
            throw JobFailure(rank: 0, exitCode: code, message: message)
        }
    }

    /// The search for settings; `nil` if there is nothing to fit on or no out-of-distribution
    /// validation set.
    private func search(_ outliers: NamedSet?, _ fit: FitContext?) -> ScoreSearch? {
        guard let outliers, let fit else { return nil }
        return ScoreSearch(
            fit, outliers: fit.outliers, images: images(of: outliers), pool: pass.layout.pool)
    }

    /// The rank's images of a set, for capturing activations.
    private func images(of set: NamedSet) -> ImagePass {
        ImagePass(network, firstRecord: pass.firstRecord(of: set.source.count)) { body in
            try communicator.together {
                try pass.forEachImages(of: set.source, body)
            }
        }
    }

    /// The mean feature of a set; the features themselves are not kept. Collective.
    private func mean(
        of set: NamedSet, _ progress: (_ set: String, _ done: Int) -> Void
    ) throws -> [Float] {
        let sums = try communicator.together {
            var sums = MicrobatchFeatureSums(
                dimension: head.dimension, microbatchSize: pass.layout.microbatchSize)
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

    /// The rank's shard of a set. Collective.
    private func shard(
        of set: NamedSet, _ progress: (_ set: String, _ done: Int) -> Void
    ) throws -> FeatureShard {
        try communicator.together {
            var shard = FeatureShard(head: head, microbatchSize: pass.layout.microbatchSize)
            try pass.forEachBatch(of: set.source) { outputs in
                var logits = [Float](repeating: 0, count: outputs.labels.count * head.classes)
                fillScoringLogits(outputs, into: &logits)
                shard.add(features: outputs.features, logits: logits, labels: outputs.labels)
                progress(set.name, shard.count)
            }
            return shard
        }
    }

    /// Scores the rank's part of one set; features are kept only if a sharded score needs them.
    private func score(
        _ set: NamedSet, _ scores: [any Score], _ measure: (any SampleMeasure)?,
        _ progress: (_ set: String, _ done: Int) -> Void
    ) throws -> SetShard {
        let keepsShare = scores.contains { $0.sharded != nil }
        var part = SetShard(
            shard: FeatureShard(head: head, microbatchSize: pass.layout.microbatchSize),
            scoreCount: scores.count,
            measureCount: measure?.names.count ?? 0)
        try pass.forEachBatch(of: set.source) { outputs, images in
            var logits = [Float](repeating: 0, count: outputs.labels.count * head.classes)
            fillScoringLogits(outputs, into: &logits)
            let input = ScoreInput(features: outputs.features.span, logits: logits.span, head: head)
            if keepsShare {
                part.shard.add(features: outputs.features, logits: logits, labels: outputs.labels)
            }
            var captured: [String: [Float]] = [:]
            for (index, score) in scores.enumerated() where score.sharded == nil {
                guard let probe = score.probe else {
                    part.confidences[index] += score.confidences(input, on: pass.layout.pool)
                    continue
                }
                let values =
                    try captured[probe.key]
                    ?? network.capture(probe, images: images, input)
                captured[probe.key] = values
                part.confidences[index] += score.confidences(
                    ScoreInput(
                        features: outputs.features.span, logits: logits.span, head: head,
                        captured: values.span), on: pass.layout.pool)
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
        let (microbatchSize, pool) = pass.layout
        var span = logits.mutableSpan
        head.logits(of: outputs.features.span, microbatchSize: microbatchSize, into: &span, on: pool)
    }
}

/// A rank's part of a scored set.
private struct SetShard {
    var records: [Int] = []
    var predictions: [Int32] = []
    var confidences: [[Double]]
    var measures: [[Float]]
    /// Filled only if there is a sharded score.
    var shard: FeatureShard

    init(shard: FeatureShard, scoreCount: Int, measureCount: Int) {
        confidences = [[Double]](repeating: [], count: scoreCount)
        measures = [[Float]](repeating: [], count: measureCount)
        self.shard = shard
    }
}
