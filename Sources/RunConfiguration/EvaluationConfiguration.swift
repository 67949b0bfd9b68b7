/// The out-of-distribution benchmark.
package struct EvaluationConfiguration: Codable, Equatable, Sendable {
    /// Whether the features of a network with a T2FNorm head are divided by its temperature for
    /// scores.
    package enum Temperature: String, Choice {
        /// Divided unless the network has 1000 classes, as in OpenOOD.
        case automatic
        /// Always divided.
        case training
        /// Never divided.
        case none
    }

    /// The records that the score `grood` compares with.
    package enum Grood: String, Choice {
        /// The records that OpenOOD uses: whole batches of 200, without one batch of the training
        /// set.
        case openood
        /// The first 100 outliers and all correctly predicted training records.
        case exact
    }

    /// The scores to compute, each listed once; with settings of its own as `{knn: {k: 200}}`, or
    /// `knn:k=200`. `msp` and `t2fnorm` are the same on one network; if both are listed, the one that
    /// belongs to the network's head is computed.
    package var scores: [ScoreEntry] = ["t2fnorm", "msp", "mls", "ebo"]
    /// Samples in one forward pass of a rank.
    package var batch = 256
    /// Epochs between two validations in training; the last epoch is always validated.
    package var every = 1
    /// Whether predictions are made from the sum of the logits of an image and of its horizontal flip.
    /// Scores see the image alone.
    package var mirror = false
    /// The precision of the products in validation and evaluation.
    package var precision = ComputeConfiguration.Precision.float32
    /// Near out-of-distribution sets: name and folder of the packed dataset, in the table's order.
    package var near = NamedPaths()
    /// Far out-of-distribution sets: name and folder of the packed dataset, in the table's order.
    package var far = NamedPaths()

    /// Whether the settings of scores are searched, on `data.validation` and `outlierValidation`.
    package var search = false
    /// Folder of the packed out-of-distribution validation set; empty for none. Read for `search`,
    /// and for scores that are fitted on it.
    package var outlierValidation = ""
    /// Whether scores receive features divided by the head's temperature.
    package var temperature = Temperature.automatic
    /// The records that `grood` compares with.
    package var grood = Grood.openood

    package init() {}

    func validate(data: DataConfiguration) throws(ConfigurationError) {
        try check(
            !scores.isEmpty && Set(scores).count == scores.count, "evaluation.scores", scores,
            "a list of different scores")
        try check(
            (1...1_000_000).contains(batch), "evaluation.batch", batch, "a whole number from 1 to 1000000")
        try check(
            (1...1_000_000).contains(every), "evaluation.every", every,
            "a number of epochs from 1 to 1000000")
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

/// Whether a text has invisible characters that act on a terminal, on line breaks or on the writing
/// direction.
func hasControlCharacters(_ text: String) -> Bool {
    text.unicodeScalars.contains { scalar in
        switch scalar.properties.generalCategory {
        case .control, .lineSeparator, .paragraphSeparator: true
        // Joiners are parts of words and emoji.
        case .format: ![0x200C, 0x200D].contains(scalar.value)
        default: false
        }
    }
}
