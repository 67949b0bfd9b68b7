/// A benchmark as data: which packed sets it has, what they must hold, and what others have published on them.
///
/// Read from a YAML file; `docs/benchmarks.md` has its keys.
public struct BenchmarkDefinition: Equatable, Sendable {
    /// One of its sets.
    public struct ImageSet: Equatable, Sendable {
        /// The set's name in tables.
        public var name: String
        /// The packed dataset, relative to the folder of all sets.
        public var folder: String
        /// Images that the set has; `nil` where the definition does not say.
        public var count: Int?
        /// The hash of the published image list, as `data pack --openood` keeps it; `nil` where it is not known.
        public var hash: String?
        /// Whether it takes part only if it is asked for by name.
        public var isOptional = false

        public init(name: String, folder: String) {
            self.name = name
            self.folder = folder
        }
    }

    /// A folder for its results, and its name in messages.
    public var name: String
    /// What it is, in a few words; empty if the file does not say.
    public var title = ""
    /// The folder of all sets, unless another is given; empty if the file does not say.
    public var data = ""
    /// For scores that are fitted on the training set; `nil` for that of the run's configuration.
    public var train: ImageSet?
    /// In distribution, for scores that are fitted on it; `nil` for that of the run's configuration.
    public var validation: ImageSet?
    /// Out of distribution, for choosing a score's settings.
    public var oodValidation: ImageSet?
    /// In distribution; what detectors are judged on.
    public var test: ImageSet
    /// Out-of-distribution sets that look like it, in the table's order.
    public var near: [ImageSet] = []
    /// Out-of-distribution sets that do not, in the table's order.
    public var far: [ImageSet] = []
    /// In distribution, with images of another kind: the other part of the in-distribution side of the full-spectrum task.
    public var csid: [ImageSet] = []
    public var published: [PublishedResult] = []

    public init(name: String, test: ImageSet) {
        self.name = name
        self.test = test
    }

    /// All sets that an evaluation ranks, the in-distribution test set first.
    public var rankedSets: [ImageSet] { [test] + near + far + csid }
}

/// Numbers that somebody has published for a benchmark.
public struct PublishedResult: Equatable, Sendable {
    /// A mean with its standard deviation over runs, if that is known.
    public struct Value: Equatable, Sendable {
        public var mean: Double
        public var deviation: Double?

        public init(mean: Double, deviation: Double? = nil) {
            self.mean = mean
            self.deviation = deviation
        }
    }

    /// How the network was trained, such as `T2FNorm` or `CE`.
    public var training: String
    /// The score's name.
    public var score: String
    /// Whether covariate-shifted sets are on the in-distribution side.
    public var isFullSpectrum: Bool
    /// In percent.
    public var accuracy: Value?
    /// FPR@95, AUROC, AUPR_IN and AUPR_OUT by the table's rows, in percent; the last ones may be left out.
    public var rows: [(name: String, values: [Value?])]

    public init(
        training: String, score: String, isFullSpectrum: Bool, accuracy: Value?,
        rows: [(name: String, values: [Value?])]
    ) {
        self.training = training
        self.score = score
        self.isFullSpectrum = isFullSpectrum
        self.accuracy = accuracy
        self.rows = rows
    }

    public static func == (left: PublishedResult, right: PublishedResult) -> Bool {
        left.training == right.training && left.score == right.score
            && left.isFullSpectrum == right.isFullSpectrum && left.accuracy == right.accuracy
            && left.rows.map(\.name) == right.rows.map(\.name)
            && left.rows.map(\.values) == right.rows.map(\.values)
    }
}
