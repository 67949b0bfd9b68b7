public import Cluster
internal import Kernels

/// What scores learn before they score; the same bits on all ranks.
///
/// A score asks for what it needs when it is made, and what several need is computed once. That is collective: all ranks make
/// the same scores in the same order, and where one throws a `ScoreFitError` all do.
public final class ScoreFit {
    /// The last layer.
    public let head: ScoringHead
    /// What can be chosen of scores.
    public let options: ScoreOptions
    let communicator: any Communicator
    private let mean: [Float]?
    private let trainingShare: FeatureShare?
    private let validationShare: FeatureShare?
    private let outlierShare: FeatureShare?
    private let trainingImages: ImagePass?
    private let validationImages: ImagePass?
    /// What observations gave of the validation set, by their keys.
    var observed: [String: [Float]] = [:]
    private var moments: FeatureMoments?
    private var sums: ClassSums?
    private var bank: NeighborBank?

    /// For scores that need no more than the mean.
    ///
    /// - Parameter featureMean: Mean raw feature of the training images, read with the evaluation transform; shape `[D]`.
    public init(head: ScoringHead, featureMean: [Float]) {
        precondition(
            featureMean.count == head.dimension,
            "a mean of \(featureMean.count) features for a layer of \(head.dimension)")
        self.head = head
        options = ScoreOptions()
        communicator = LocalCommunicator()
        mean = featureMean
        (trainingShare, validationShare, outlierShare) = (nil, nil, nil)
        (trainingImages, validationImages) = (nil, nil)
    }

    /// Collective.
    ///
    /// - Parameters:
    ///   - training: The rank's share of the training set, if a score needs its features.
    ///   - featureMean: That of the training set; computed from `training` if there is one.
    ///   - validation: The rank's share of the in-distribution validation set; where there is none, `training` serves.
    ///   - outliers: The rank's share of the out-of-distribution validation set, whose labels do not matter.
    ///   - trainingImages: The training set's images, if a score observes them.
    ///   - validationImages: The validation set's.
    /// - Throws: `ScoreFitError` on all ranks if a set has no record, a label is no class, or a feature is NaN or infinite.
    public init(
        head: ScoringHead, training: FeatureShare?, featureMean: [Float]? = nil, validation: FeatureShare?,
        outliers: FeatureShare? = nil, trainingImages: ImagePass? = nil, validationImages: ImagePass? = nil,
        options: ScoreOptions = ScoreOptions(), communicator: any Communicator
    ) throws {
        self.head = head
        self.options = options
        self.communicator = communicator
        trainingShare = training
        validationShare = validation
        outlierShare = outliers
        self.trainingImages = trainingImages
        self.validationImages = validationImages
        for (name, share) in [("training", training), ("validation", validation)] {
            try share?.check(name, on: communicator)
        }
        try outliers?.check("out-of-distribution validation", hasLabels: false, on: communicator)
        if let training {
            var sums = LaneFeatureSums(dimension: head.dimension, laneSize: training.laneSize)
            sums.add(training.features.span)
            mean = try sums.mean(on: communicator)
        } else {
            mean = featureMean
        }
    }

    /// Mean raw feature of the training images; shape `[D]`.
    public var featureMean: [Float] { required(mean, "the training set's mean feature") }

    /// The rank's share of the training set.
    var training: FeatureShare { required(trainingShare, "the training set's features") }

    /// The rank's share of the validation set, or of the training set where there is none.
    var validation: FeatureShare {
        required(validationShare ?? trainingShare, "the validation set's features")
    }

    /// The rank's share of the out-of-distribution validation set.
    var outliers: FeatureShare { required(outlierShare, "the out-of-distribution validation set") }

    var requiredTrainingImages: ImagePass { required(trainingImages, "the training set's images") }

    /// The validation set's images, or the training set's where there is none.
    var requiredValidationImages: ImagePass {
        required(validationShare == nil ? trainingImages : validationImages, "the validation set's images")
    }

    /// Mean and covariance of the training set's features. Collective when first asked for.
    func trainingMoments() throws(MPIError) -> FeatureMoments {
        if let moments { return moments }
        let result = try training.moments(on: communicator)
        moments = result
        return result
    }

    /// The rank's training features divided by their lengths, as neighbours are looked for.
    func neighborBank() -> NeighborBank {
        if let bank { return bank }
        let rows = unitRows(training.features, dimension: head.dimension)
        let result = NeighborBank(rows.span, dimension: head.dimension)
        bank = result
        return result
    }

    /// The mean feature and the number of the records of each class. Collective when first asked for.
    ///
    /// - Throws: `ScoreFitError` if a class has no record.
    func classMeans(for score: ScoreName) throws -> (means: [[Double]], counts: [Int]) {
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
    /// The mean and the number of the records of each class.
    ///
    /// - Throws: `ScoreFitError` if a class has no record.
    func means(for score: ScoreName) throws -> (means: [[Double]], counts: [Int]) {
        if let empty = counts.firstIndex(of: 0) {
            throw ScoreFitError(
                score: score,
                reason: """
                    class \(empty) has no record in the training set, expected one at least of each class; leave the \
                    score out or use the whole set
                    """)
        }
        return (counts.indices.compactMap(mean), counts)
    }
}

extension FeatureShare {
    /// Refuses what nothing can be fitted on, on all ranks alike.
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
        if counts[0] == 0 { throw ScoreFitError(reason: "the \(name) set has no record to fit scores on") }
        if counts[1] > 0 {
            throw ScoreFitError(
                reason: """
                    \(counts[1]) of \(counts[0]) records of the \(name) set have features that are NaN or infinite, \
                    expected finite numbers; evaluate another checkpoint
                    """, isNumeric: true)
        }
        if counts[2] > 0 {
            throw ScoreFitError(
                reason: """
                    \(counts[2]) of \(counts[0]) records of the \(name) set have labels that are no class, \
                    expected 0 to \(head.classes - 1)
                    """)
        }
    }
}
