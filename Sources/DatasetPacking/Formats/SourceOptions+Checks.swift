internal import Foundation

extension SourceOptions {
    /// Throws if there are several inputs and their format has one, if two options define the same
    /// thing, or if one has no effect because of another.
    package func check() throws(SourceOptionError) {
        try checkCount()
        let labelled = given(labelling)
        guard labelled.count < 2 else {
            throw SourceOptionError(
                "\(labelled.joined(separator: " and ")) both define the labels: leave one out")
        }
        let named = given(naming)
        guard named.count < 2 else {
            throw SourceOptionError(
                "\(named.joined(separator: " and ")) both name the classes: leave one out")
        }
        if isOutOfDistribution, let void = (named + (classCount != nil ? ["--class-count"] : [])).first {
            throw SourceOptionError(
                "\(void) has no effect with --ood: out-of-distribution images have no class")
        }
        if let twice = Dictionary(grouping: classNames, by: \.bytesKey).first(where: { $1.count > 1 }) {
            throw SourceOptionError("--class-names has '\(twice.value[0])' twice")
        }
        guard devkit == nil || !hasShares else {
            throw SourceOptionError(
                "--split with shares does not go with --devkit: leave one out, or give the labels by --list")
        }
        guard seed == nil || hasShares else {
            throw SourceOptionError(
                "--seed goes with --split and shares, such as 80/10/10; --shuffle-seed sets the image order")
        }
    }

    /// The options that define what a source is, as far as they are given.
    package var given: [String] {
        given(
            labelling + naming + [
                ("--format", format != nil), ("--labels", labels != nil), ("--split", split != nil),
                ("--transpose", isTransposed), ("--ood", isOutOfDistribution),
                ("--class-count", classCount != nil),
            ])
    }

    private var labelling: [(String, Bool)] {
        [("--list", list != nil), ("--devkit", devkit != nil), ("--class-order", classOrder != nil)]
    }

    private var naming: [(String, Bool)] {
        [
            ("--class-order", classOrder != nil), ("--devkit", devkit != nil),
            ("--class-names", !classNames.isEmpty),
        ]
    }

    private func given(_ options: [(String, Bool)]) -> [String] { options.filter(\.1).map(\.0) }

    private func checkCount() throws(SourceOptionError) {
        guard inputs.count > 1 || inputs.contains(where: isRange) else { return }
        let content = InputContent(try firstFile())
        let found = format ?? DatasetFormat.recognized(content, self)
        // The reader names a first file that is missing.
        let isMissing = format == nil && content.form == .missing
        guard isMissing || found?.takesSeveralFiles == true else {
            let names = DatasetFormat.all.filter(\.takesSeveralFiles).map(\.name)
            throw SourceOptionError(
                "only sets of \(names.joined(separator: ", ")) have several files; name one folder or archive"
            )
        }
    }

    /// The input files, with ranges in braces expanded.
    ///
    /// - Throws: If they are more than 100,000.
    package func files() throws(SourceOptionError) -> [String] {
        var files: [String] = []
        for input in inputs {
            files += try range(input)?.names(atMost: Self.mostFiles) ?? [input]
        }
        return files
    }

    /// The first input file.
    func firstFile() throws(SourceOptionError) -> String {
        try range(inputs[0])?.names(atMost: Self.mostFiles).first ?? inputs[0]
    }

    /// Whether a name stands for several files: it has a range, and there is no file of that name.
    func isRange(_ input: String) -> Bool { range(input) != nil }

    /// Files that ranges may stand for, at most.
    private static let mostFiles = 100_000

    private func range(_ input: String) -> NumberRanges? {
        FileManager.default.fileExists(atPath: input) ? nil : NumberRanges(input)
    }
}
