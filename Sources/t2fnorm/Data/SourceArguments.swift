import ArgumentParser
import DatasetPacking

/// What `data pack` reads, and how.
struct SourceArguments: ParsableArguments {
    @Argument(help: "A folder, an archive, or the files of a set.")
    var inputs: [String] = []

    @Option(help: "The input's format; 'auto' recognises it by its content.")
    var format = FormatChoice.automatic

    @Option(
        help: ArgumentHelp("An image list, with paths relative to the folder or archive.", valueName: "file"))
    var list: String?

    @Option(
        help: ArgumentHelp(
            """
            The file of the labels (\(SourceOption.labels.formatNames)); by default the one beside the images, named with 'labels-idx1' for \
            'images-idx3', or 'labels.npy'.
            """,
            valueName: "file"))
    var labels: String?

    @Option(
        help: ArgumentHelp(
            """
            A part of the set (\(SourceOption.part.formatNames)): \(CIFARArchive.Split.allCases.map(\.rawValue).joined(separator: ", ")). Or the \
            shares of a random split (\(SourceOption.shares.formatNames)), such as 80/10/10: gives sets train, validation and test below the \
            output folder, stratified by class.
            """, valueName: "part"))
    var split: SplitChoice?

    @Option(
        help: ArgumentHelp("The seed of --split's random split; 0 by default.", valueName: "seed"))
    var seed: UInt64?

    @Option(
        help: ArgumentHelp(
            "ILSVRC2012_devkit_t12.tar.gz, or the folder it unpacks to, with the labels of ILSVRC2012_img_val.tar.",
            valueName: "path"))
    var devkit: String?

    @Flag(help: "Transpose the images: EMNIST's are stored transposed.")
    var transpose = false

    @Option(
        help: ArgumentHelp(
            """
            The classes (\(SourceOption.classOrder.formatNames)) in the order of their labels: synsets.txt with one name per line, or the devkit \
            (its archive, or its meta.mat); by default sorted by name, as in OpenOOD. Names without images keep their labels.
            """, valueName: "file"))
    var classOrder: String?

    @Flag(name: .customLong("ood"), help: "Out-of-distribution: every label becomes -1.")
    var outOfDistribution = false

    @Option(help: ArgumentHelp("Number of classes, if the source does not define it.", valueName: "n"))
    var classCount: Int?

    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp(
            "Class names in the order of labels: the folders' names in another order, or names for a source without any.",
            valueName: "name"))
    var classNames: [String] = []

    var options: SourceOptions {
        var options = SourceOptions(inputs: inputs)
        options.format = format.format
        options.list = list
        options.labels = labels
        options.split = split
        options.seed = seed
        options.devkit = devkit
        options.isTransposed = transpose
        options.classOrder = classOrder
        options.isOutOfDistribution = outOfDistribution
        options.classCount = classCount
        options.classNames = classNames
        return options
    }
}

/// The value of `--format`.
struct FormatChoice: ExpressibleByArgument {
    static let automatic = FormatChoice(format: nil)
    static var allValueStrings: [String] { ["auto"] + DatasetFormat.all.map(\.name) }

    /// `nil` for the format of the content.
    let format: DatasetFormat?

    var defaultValueDescription: String { format?.name ?? "auto" }

    private init(format: DatasetFormat?) { self.format = format }

    init?(argument: String) {
        let format = DatasetFormat(named: argument)
        guard format != nil || argument == "auto" else { return nil }
        self.format = format
    }
}
