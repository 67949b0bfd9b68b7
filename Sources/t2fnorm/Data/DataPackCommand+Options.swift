import ArgumentParser
import DatasetPacking
import Datasets
import Evaluation
import Foundation

extension DataPackCommand {
    /// An option that applies to some formats only.
    private struct Scope {
        var option: String
        var isGiven: Bool
        var formats: Set<Format>
    }

    private static let trees: Set<Format> = [.folder, .tar, .zip]

    private var scopes: [Scope] {
        let isCut = if case .shares = split { true } else { false }
        return [
            Scope(option: "--list", isGiven: list != nil, formats: Self.trees),
            Scope(option: "--devkit", isGiven: devkit != nil, formats: Self.trees),
            Scope(option: "--labels", isGiven: labels != nil, formats: [.idx, .npy]),
            Scope(option: "--transpose", isGiven: transpose, formats: [.idx]),
            Scope(
                option: "--class-order", isGiven: classOrder != nil, formats: Self.trees.union([.nestedTar])),
            Scope(
                option: "--split \(isCut ? "with shares" : "with a part's name")", isGiven: split != nil,
                formats: isCut ? Self.trees : [.cifar10, .cifar100, .npz]),
        ]
    }

    /// Throws if an option does not apply to the format.
    func check(optionsFor format: Format) throws {
        // The reader reports a missing input.
        guard inputs.first.map({ FileManager.default.fileExists(atPath: $0) }) ?? true else { return }
        for scope in scopes where scope.isGiven && !scope.formats.contains(format) {
            let known = Format.allCases.filter(scope.formats.contains).map(\.rawValue)
            throw ValidationError(
                "\(scope.option) goes with \(known.joined(separator: ", ")); \(inputs[0]) is read as \(format.rawValue)"
            )
        }
    }

    /// Throws if two options define the same thing, or one has no effect because of another.
    func checkCombinations() throws {
        let labelled = [
            ("--list", list != nil), ("--devkit", devkit != nil), ("--class-order", classOrder != nil),
        ].filter(\.1).map(\.0)
        guard labelled.count < 2 else {
            throw ValidationError(
                "\(labelled.joined(separator: " and ")) both define the labels: leave one out")
        }
        let named = [
            ("--class-order", classOrder != nil), ("--devkit", devkit != nil),
            ("--class-names", !classNames.isEmpty),
        ].filter(\.1).map(\.0)
        guard named.count < 2 else {
            throw ValidationError("\(named.joined(separator: " and ")) both name the classes: leave one out")
        }
        if outOfDistribution, let void = (named + (classCount != nil ? ["--class-count"] : [])).first {
            throw ValidationError(
                "\(void) has no effect with --ood: out-of-distribution images have no class")
        }
        if let twice = Dictionary(grouping: classNames, by: { Array($0.utf8) }).first(where: { $1.count > 1 })
        {
            throw ValidationError("--class-names has '\(twice.value[0])' twice")
        }
        guard seed == nil || { if case .shares = split { true } else { false } }() else {
            throw ValidationError(
                "--seed goes with --split and shares, such as 80/10/10; --shuffle-seed sets the image order")
        }
        guard openood != nil else { return }
        let alone =
            labelled + named
            + [
                ("--name", name != nil), ("--format", format != .auto), ("--labels", labels != nil),
                ("--split", split != nil), ("--transpose", transpose), ("--ood", outOfDistribution),
                ("--class-count", classCount != nil),
            ].filter(\.1).map(\.0)
        if let void = alone.first {
            throw ValidationError(
                "\(void) has no effect with --openood: the benchmark's lists define the sets")
        }
    }

    /// Whether `--class-names` gives the order of class names that a source in this format has.
    func givesOrder(_ format: Format) -> Bool {
        list == nil && devkit == nil && Self.trees.union([.nestedTar]).contains(format)
    }

    /// The class order that the user has given, if any.
    func givenOrder(_ format: Format) throws -> ClassOrder? {
        if let classOrder { return try ClassOrder(classOrder) }
        return givesOrder(format) && !classNames.isEmpty
            ? try ClassOrder(classNames, place: "--class-names") : nil
    }
}
