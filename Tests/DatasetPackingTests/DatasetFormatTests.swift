import DatasetPacking
import DatasetSamples
import Datasets
import Foundation
import TestSupport
import Testing

/// The catalogue of formats, and what the help and the manual take from it.
@Suite(.timeLimit(.minutes(30))) struct DatasetFormatTests {
    @Test func everyFormatHasANameOfItsOwn() {
        let names = DatasetFormat.all.map(\.name)
        #expect(
            names == [
                "folder", "tar", "zip", "cifar10", "cifar100", "svhn", "idx", "stl10", "npy", "npz",
                "tar-of-tars",
                "webdataset",
            ])
        for name in names { #expect(DatasetFormat(named: name)?.name == name) }
        #expect(DatasetFormat(named: "auto") == nil && DatasetFormat(named: "tarball") == nil)
    }

    @Test func theManualsTableIsTheCatalogues() throws {
        let path = packageRoot.appending(path: "docs/data.md")
        let lines = try String(contentsOf: path, encoding: .utf8).components(separatedBy: "\n")
        let table = DatasetFormat.documentation.components(separatedBy: "\n")
        let start = try #require(lines.firstIndex(of: table[0]), "docs/data.md has no line '\(table[0])'")
        for (index, row) in table.enumerated() {
            #expect(lines[start + index] == row, "docs/data.md, line \(start + index + 1)")
        }
        #expect(!lines[start + table.count].hasPrefix("|"), "docs/data.md has a row too many")
        for format in DatasetFormat.all {
            #expect(
                !format.rows.isEmpty && table.contains { $0.contains("`\(format.name)`") }, "\(format.name)")
        }
    }

    /// The help is shown at 80 columns.
    @Test func theHelpHasALineForEachFormat() {
        let lines = DatasetFormat.helpLines.components(separatedBy: "\n")
        #expect(lines.count == DatasetFormat.all.count)
        for (line, format) in zip(lines, DatasetFormat.all) {
            #expect(line.hasPrefix("  \(format.name) ") && line.hasSuffix("  \(format.summary)"))
            #expect(line.count <= 80, "\(line)")
        }
    }

    /// Every option with every format: the error names the formats that take it.
    @Test func anOptionIsRefusedByTheFormatsThatDoNotTakeIt() throws {
        try withTemporaryFolder { folder in
            let path = try write([1, 2, 3], folder, "x")
            for format in DatasetFormat.all {
                for option in SourceOption.allCases {
                    var options = SourceOptions(inputs: [path])
                    options.format = format
                    options.give(option, path)
                    let takers = DatasetFormat.all.filter { $0.options.contains(option) }.map(\.name)
                    let refusal =
                        "\(option.words) goes with \(takers.joined(separator: ", ")); \(path) is read as \(format.name)"
                    let found = message { _ = try options.open() }
                    #expect((found == refusal) != takers.contains(format.name), "\(format.name): \(found)")
                }
            }
        }
    }

    /// The formats of each option, as the manual says.
    @Test(arguments: [
        (SourceOption.list, "folder, tar, zip"), (.devkit, "folder, tar, zip"), (.labels, "idx, stl10, npy"),
        (.transpose, "idx"), (.classOrder, "folder, tar, zip, tar-of-tars"),
        (.part, "cifar10, cifar100, npz"), (.shares, "folder, tar, zip"),
    ])
    func theFormatsOfAnOption(option: SourceOption, names: String) { #expect(option.formatNames == names) }
}

extension SourceOptions {
    fileprivate mutating func give(_ option: SourceOption, _ path: String) {
        switch option {
        case .list: list = path
        case .devkit: devkit = path
        case .labels: labels = path
        case .transpose: isTransposed = true
        case .classOrder: classOrder = path
        case .part: split = .part("train")
        case .shares: split = .shares([8, 2])
        }
    }
}
