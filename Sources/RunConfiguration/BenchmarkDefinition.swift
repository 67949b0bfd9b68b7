/// A benchmark as data: its packed datasets, their expected contents, and published results on
/// them.
///
/// Read from a YAML file; `docs/benchmarks.md` has its keys.
package struct BenchmarkDefinition: Equatable, Sendable {
    /// One dataset of the benchmark.
    package struct ImageSet: Equatable, Sendable {
        /// The set's name in tables.
        package var name: String
        /// The folder of the packed dataset, relative to the folder of all sets.
        package var folder: String
        /// The expected number of images; `nil` if the definition does not say.
        package var count: Int?
        /// The hash of the published image list, as `data pack --openood` records it; `nil` if it
        /// is not known.
        package var hash: String?
        /// Whether the set takes part only if it is requested by name.
        package var isOptional = false

        package init(name: String, folder: String) {
            self.name = name
            self.folder = folder
        }
    }

    /// The benchmark's name in messages, which is also the folder of its results.
    package var name: String
    /// A description of a few words; empty if the file does not say.
    package var title = ""
    /// The folder of all sets, unless another is given; empty if the file does not say.
    package var data = ""
    /// The training set, for scores that are fitted on it; `nil` for that of the run's
    /// configuration.
    package var train: ImageSet?
    /// The in-distribution validation set, for scores that are fitted on it; `nil` for that of the
    /// run's configuration.
    package var validation: ImageSet?
    /// The out-of-distribution validation set, for choosing a score's settings.
    package var oodValidation: ImageSet?
    /// The in-distribution test set, on which detectors are evaluated.
    package var test: ImageSet
    /// The near out-of-distribution sets, which look like `test`, in the table's order.
    package var near: [ImageSet] = []
    /// The far out-of-distribution sets, which do not look like `test`, in the table's order.
    package var far: [ImageSet] = []
    /// The covariate-shifted in-distribution sets, which join `test` on the in-distribution side of
    /// the full-spectrum task.
    package var csid: [ImageSet] = []
    package var published: [PublishedResult] = []

    package init(name: String, test: ImageSet) {
        self.name = name
        self.test = test
    }

    /// All sets that an evaluation ranks, the in-distribution test set first.
    package var rankedSets: [ImageSet] { [test] + near + far + csid }
}

/// A published result on a benchmark.
package struct PublishedResult: Equatable, Sendable {
    /// A mean with its standard deviation over runs, if that is known.
    package struct Value: Equatable, Sendable {
        package var mean: Double
        package var deviation: Double?

        package init(mean: Double, deviation: Double? = nil) {
            self.mean = mean
            self.deviation = deviation
        }
    }

    /// How the network was trained, such as `T2FNorm` or `CE`.
    package var training: String
    /// The score's name.
    package var score: String
    /// Whether covariate-shifted sets are on the in-distribution side.
    package var isFullSpectrum: Bool
    /// In percent.
    package var accuracy: Value?
    /// FPR@95, AUROC, AUPR_IN and AUPR_OUT for each row of the table, in percent; the last ones may
    /// be missing.
    package var rows: [(name: String, values: [Value?])]

    package init(
        training: String, score: String, isFullSpectrum: Bool, accuracy: Value?,
        rows: [(name: String, values: [Value?])]
    ) {
        self.training = training
        self.score = score
        self.isFullSpectrum = isFullSpectrum
        self.accuracy = accuracy
        self.rows = rows
    }

    package static func == (left: PublishedResult, right: PublishedResult) -> Bool {
        left.training == right.training && left.score == right.score
            && left.isFullSpectrum == right.isFullSpectrum && left.accuracy == right.accuracy
            && left.rows.map(\.name) == right.rows.map(\.name)
            && left.rows.map(\.values) == right.rows.map(\.values)
    }
}
