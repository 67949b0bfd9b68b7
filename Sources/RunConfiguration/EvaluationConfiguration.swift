/// The out-of-distribution benchmark.
public struct EvaluationConfiguration: Codable, Equatable, Sendable {
    /// Whether scores of a network with a T2FNorm head see features divided by its temperature.
    public enum Temperature: String, Choice {
        /// They do unless the network has 1000 classes, as in OpenOOD.
        case automatic
        /// They do.
        case training
        /// They see features as they are.
        case none
    }

    /// What the score `grood` compares with.
    public enum Grood: String, Choice {
        /// The records that OpenOOD takes, which reads whole batches of 200 and leaves one of training out.
        case openood
        /// The first 100 outliers and all training records that are predicted right.
        case exact
    }

    /// The scores to compute, each once; of `msp` and `t2fnorm`, which are the same on one network, the one that its head is named for.
    public var scores = ["t2fnorm", "msp", "mls", "ebo"]
    /// Samples in one forward pass of a rank.
    public var batch = 256
    /// Near out-of-distribution sets: name and folder of the packed dataset, in the table's order.
    public var near = NamedPaths()
    /// Far out-of-distribution sets: name and folder of the packed dataset, in the table's order.
    public var far = NamedPaths()

    /// Whether settings of scores are searched for, on `data.validation` and `outlierValidation`.
    public var search = false
    /// Folder of the packed out-of-distribution validation set; empty for none. Read for `search`, and for scores that are fitted on it.
    public var outlierValidation = ""
    /// What scores see features divided by.
    public var temperature = Temperature.automatic
    /// What `grood` compares with.
    public var grood = Grood.openood

    public init() {}

    func validate(data: DataConfiguration) throws(ConfigurationError) {
        try check(
            !scores.isEmpty && Set(scores).count == scores.count, "evaluation.scores", scores,
            "a list of different scores")
        try check(
            (1...1_000_000).contains(batch), "evaluation.batch", batch, "a whole number from 1 to 1000000")
        for (key, paths) in [("evaluation.near", near), ("evaluation.far", far)] {
            for entry in paths.entries {
                try check(
                    isFileName(entry.name) && !["nearood", "farood"].contains(entry.name), key,
                    "naming a dataset '\(entry.name)'",
                    "a name without '/' that is not one of the table's own rows nearood and farood")
                try check(
                    !entry.path.isEmpty, "\(key).\(entry.name)", entry.path, "the folder of a packed dataset")
            }
        }
        try check(
            !search || !outlierValidation.isEmpty, "evaluation.outlierValidation", outlierValidation,
            "the folder of the out-of-distribution validation set, as evaluation.search is true")
        try check(
            !search || !data.validation.isEmpty, "data.validation", data.validation,
            "the folder of the in-distribution validation set, as evaluation.search is true")
        let farNames = Set(far.names)
        let shared = near.names.first { farNames.contains($0) }
        try check(
            shared == nil, "evaluation.far.\(shared ?? "")", "in evaluation.near too",
            "each dataset in one of the two")
        try check(
            !data.test.isEmpty || (near.isEmpty && far.isEmpty), "data.test", data.test,
            "the folder of the in-distribution test set, as evaluation.near or evaluation.far has datasets")
    }
}

/// Whether `name` can be the name of one file or folder.
func isFileName(_ name: String) -> Bool {
    !name.isEmpty && name != "." && name != ".." && name.utf8.count <= 255
        && !name.contains("/") && !hasControlCharacters(name)
}

/// Whether a text has characters that are not shown but act: on a terminal, on a line, or on the direction of writing.
func hasControlCharacters(_ text: String) -> Bool {
    text.unicodeScalars.contains { scalar in
        switch scalar.properties.generalCategory {
        case .control, .lineSeparator, .paragraphSeparator: true
        // Joiners belong to words and emoji.
        case .format: ![0x200C, 0x200D].contains(scalar.value)
        default: false
        }
    }
}
