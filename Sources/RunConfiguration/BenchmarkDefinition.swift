/// A benchmark as data: its packed datasets, their expected contents, and published results on
/// them.
///
/// Read from a YAML file; `docs/benchmarks.md` has its keys.
public struct BenchmarkDefinition: Equatable, Sendable {
    /// One dataset of the benchmark.
    public struct ImageSet: Equatable, Sendable {
        /// The set's name in tables.
        public var name: String
        /// The folder of the packed dataset, relative to the folder of all sets.
        public var folder: String
        /// The expected number of images; `nil` if the definition does not say.
        public var count: Int?
        /// The hash of the published image list, as `data pack --openood` records it; `nil` if it
        /// is not known.
        public var hash: String?
        /// Whether the set takes part only if it is requested by name.
        public var isOptional = false

        public init(name: String, folder: String) {
            self.name = name
            self.folder = folder
        }
    }

    /// The benchmark's name in messages, which is also the folder of its results.
    public var name: String
    /// A description of a few words; empty if the file does not say.
    public var title = ""
    /// The folder of all sets, unless another is given; empty if the file does not say.
    public var data = ""
    /// The training set, for scores that are fitted on it; `nil` for that of the run's
    /// configuration.
    public var train: ImageSet?
    /// The in-distribution validation set, for scores that are fitted on it; `nil` for that of the
    /// run's configuration.
    public var validation: ImageSet?
    /// The out-of-distribution validation set, for choosing a score's settings.
    public var oodValidation: ImageSet?
    /// The in-distribution test set, on which detectors are evaluated.
    public var test: ImageSet
    /// The near out-of-distribution sets, which look like `test`, in the table's order.
    public var near: [ImageSet] = []
    /// The far out-of-distribution sets, which do not look like `test`, in the table's order.
    public var far: [ImageSet] = []
    /// The covariate-shifted in-distribution sets, which join `test` on the in-distribution side of
    /// the full-spectrum task.
    public var csid: [ImageSet] = []
    public var published: [PublishedResult] = []

    public init(name: String, test: ImageSet) {
        self.name = name
        self.test = test
    }

    /// All sets that an evaluation ranks, the in-distribution test set first.
    public var rankedSets: [ImageSet] { [test] + near + far + csid }
}

/// A published result on a benchmark.
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
    /// FPR@95, AUROC, AUPR_IN and AUPR_OUT for each row of the table, in percent; the last ones may
    /// be missing.
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
