package import Cluster
package import Inference
internal import Kernels

/// The data and statistics that scores are fitted on, with the same bits on all ranks.
///
/// A score requests the statistics it needs in its initialiser; a statistic that several scores
/// need is computed once. These requests are collective: all ranks make the same scores in the same
/// order, and if one rank throws a `FitError`, all do.
package final class FitContext {
    /// The last layer.
    package let head: ScoringHead
    /// Options of the scores.
    package let options: ScoreOptions
    let communicator: any Communicator
    private let mean: [Float]?
    private let trainingShard: FeatureShard?
    private let validationShard: FeatureShard?
    private let outlierShard: FeatureShard?
    private let trainingImages: ImagePass?
    private let validationImages: ImagePass?
    /// The values that probes captured on the validation set, by the probes' keys.
    var captured: [String: [Float]] = [:]
    private var moments: FeatureMoments?
    private var sums: ClassSums?
    private var l2Index: FlatL2Index?

    /// A context for scores that need only the mean.
    ///
    /// - Parameter featureMean: Mean raw feature of the training images, read with the evaluation
    ///   transform; shape `[D]`.
    package init(head: ScoringHead, featureMean: [Float]) {
        precondition(
            featureMean.count == head.dimension,
            "a mean of \(featureMean.count) features for a layer of \(head.dimension)")
        self.head = head
        options = ScoreOptions()
        communicator = LocalCommunicator()
        mean = featureMean
        (trainingShard, validationShard, outlierShard) = (nil, nil, nil)
        (trainingImages, validationImages) = (nil, nil)
    }

    /// Collective.
    ///
    /// - Parameters:
    ///   - training: The rank's shard of the training set, if a score needs its features.
    ///   - featureMean: The training set's mean feature; computed from `training` if that is given.
    ///   - validation: The rank's shard of the in-distribution validation set; if `nil`, `training`
    ///     is used instead.
    ///   - outliers: The rank's shard of the out-of-distribution validation set; its labels are
    ///     ignored.
    ///   - trainingImages: The training set's images, if a score captures activations of them.
    ///   - validationImages: The validation set's images, likewise.
    /// - Throws: `FitError` on all ranks if a set has no record, a label is out of range, or a
    ///   feature is NaN or infinite.
    package init(
        head: ScoringHead, training: FeatureShard?, featureMean: [Float]? = nil, validation: FeatureShard?,
        outliers: FeatureShard? = nil, trainingImages: ImagePass? = nil, validationImages: ImagePass? = nil,
        options: ScoreOptions = ScoreOptions(), communicator: any Communicator
    ) throws {
        self.head = head
        self.options = options
        self.communicator = communicator
        trainingShard = training
        validationShard = validation
        outlierShard = outliers
        self.trainingImages = trainingImages
        self.validationImages = validationImages
        for (name, shard) in [("training", training), ("validation", validation)] {
            try shard?.check(name, on: communicator)
        }
        try outliers?.check("out-of-distribution validation", hasLabels: false, on: communicator)
        if let training {
            var sums = MicrobatchFeatureSums(
                dimension: head.dimension, microbatchSize: training.microbatchSize)
            sums.add(training.features.span)
            mean = try sums.mean(on: communicator)
        } else {
            mean = featureMean
        }
    }

    /// Mean raw feature of the training images; shape `[D]`.
    package var featureMean: [Float] { required(mean, "the training set's mean feature") }

    /// The rank's shard of the training set.
    var training: FeatureShard { required(trainingShard, "the training set's features") }

    /// The rank's shard of the validation set, or of the training set if there is none.
    var validation: FeatureShard {
        required(validationShard ?? trainingShard, "the validation set's features")
    }

    /// The rank's shard of the out-of-distribution validation set.
    var outliers: FeatureShard { required(outlierShard, "the out-of-distribution validation set") }

    var requiredTrainingImages: ImagePass { required(trainingImages, "the training set's images") }

    /// The validation set's images, or the training set's if there is none.
    var requiredValidationImages: ImagePass {
        required(validationShard == nil ? trainingImages : validationImages, "the validation set's images")
    }

    /// Mean and covariance of the training set's features. The first call is collective.
    func trainingMoments() throws(MPIError) -> FeatureMoments {
        if let moments { return moments }
        let result = try training.moments(on: communicator)
        moments = result
        return result
    }

    /// An index of the rank's training features divided by their norms, for nearest-neighbour
    /// searches.
    func flatL2Index() -> FlatL2Index {
        if let l2Index { return l2Index }
        let rows = unitRows(training.features, dimension: head.dimension)
        let result = FlatL2Index(rows.span, dimension: head.dimension)
        l2Index = result
        return result
    }

    /// The mean feature and the number of records of each class. The first call is collective.
    ///
    /// - Throws: `FitError` if a class has no record.
    func classMeans(for score: ScoreDefinition) throws -> (means: [[Double]], counts: [Int]) {
        let sums = try sums ?? training.featureSums(on: communicator)
        self.sums = sums
        return try sums.means(for: score)
    }

    private func required<Value>(_ value: Value?, _ name: String) -> Value {
        guard let value else { preconditionFailure("a score is fitted without \(name)") }
        return value
    }
}

extension ClassSums {
    /// The mean and the number of records of each class.
    ///
    /// - Throws: `FitError` if a class has no record.
    func means(for score: ScoreDefinition) throws -> (means: [[Double]], counts: [Int]) {
        if let empty = counts.firstIndex(of: 0) {
            throw FitError(
                score: score,
                reason: """
                    class \(empty) has no record in the training set, expected at least one of each class; leave the \
                    score out or use the whole set
                    """)
        }
        return (counts.indices.compactMap(mean), counts)
    }
}

extension FeatureShard {
    /// Throws on all ranks if nothing can be fitted on the shard's set.
    fileprivate func check(
        _ name: String, hasLabels: Bool = true, on communicator: any Communicator
    ) throws {
        let dimension = head.dimension
        var (broken, strange) = (0, 0)
        for record in 0..<count {
            let row = features[record * dimension..<(record + 1) * dimension]
            if !row.allSatisfy(\.isFinite) { broken += 1 }
            if hasLabels && !(0..<head.classes).contains(Int(labels[record])) { strange += 1 }
        }
        var counts = [Int64(count), Int64(broken), Int64(strange)]
        var span = counts.mutableSpan
        try communicator.treeSum(&span)
        if counts[0] == 0 { throw FitError(reason: "the \(name) set has no record to fit scores on") }
        if counts[1] > 0 {
            throw FitError(
                reason: """
                    \(counts[1]) of \(counts[0]) records of the \(name) set have features that are NaN or infinite, \
                    expected finite numbers; evaluate another checkpoint
                    """, isNumeric: true)
        }
        if counts[2] > 0 {
            throw FitError(
                reason: """
                    \(counts[2]) of \(counts[0]) records of the \(name) set have labels out of range, \
                    expected 0 to \(head.classes - 1)
                    """)
        }
    }
}
