package import Datasets
internal import Files
internal import Foundation

/// ImageNet's devkit (`ILSVRC2012_devkit_t12.tar.gz`, or the folder it unpacks to): the classes,
/// and the labels of the validation images.
///
/// Russakovsky, Deng, Su, Krause, et al.: "ImageNet Large Scale Visual Recognition Challenge",
/// 2015; the devkit's readme.txt.
package struct ImageNetDevkit: Sendable {
    /// The WordNet identifiers of the classes, in the order of their `ILSVRC2012_ID`.
    package let names: [String]
    /// The class of each validation image, in the order of the images' numbers.
    let validation: [String]

    private static let meta = "meta.mat"
    private static let truth = "ILSVRC2012_validation_ground_truth.txt"

    /// - Parameter path: The archive or the folder.
    /// - Throws: If one of the two files is missing or damaged, or a label belongs to no class.
    package init(_ path: String) throws(DatasetError) {
        let files = try NamedFiles([Self.meta, Self.truth], in: path)
        guard let meta = try files.only(of: [Self.meta]), let truth = try files.only(of: [Self.truth]) else {
            throw DatasetError(
                action: "read ImageNet's devkit", place: path,
                reason: "\(Self.meta) or \(Self.truth) is not in it",
                remedy: "give ILSVRC2012_devkit_t12.tar.gz as it was downloaded")
        }
        let classes = try devkitClasses(meta.bytes, meta.place)
        names = classes.map(\.name)
        let nameOfNumber = Dictionary(
            classes.map { ($0.number, $0.name) }, uniquingKeysWith: { first, _ in first })
        var validation: [String] = []
        for (number, line) in try TextLines(truth.bytes, place: truth.place).lines.enumerated()
        where !line.isEmpty {
            guard let name = Double(wordsOf(Array(line))).flatMap({ nameOfNumber[$0] }) else {
                throw DatasetError(
                    action: "read ImageNet's devkit", place: "\(truth.place), line \(number + 1)",
                    reason:
                        "'\(wordsOf(Array(line.prefix(100))))' is not the ILSVRC2012_ID of a class in \(Self.meta)"
                )
            }
            validation.append(name)
        }
        self.validation = validation
    }

    /// The classes in the devkit's order, from its `meta.mat`, archive or folder; `nil` if `path`
    /// is none of these.
    static func names(at path: String) throws(DatasetError) -> [String]? {
        if path.hasSuffix(".mat") {
            return try devkitClasses(try ReadableFile.contents(of: path), path).map(\.name)
        }
        guard isFolder(path) || [".tar", ".tar.gz", ".tgz"].contains(where: path.hasSuffix) else {
            return nil
        }
        guard let file = try NamedFiles([meta], in: path).only(of: [meta]) else {
            throw DatasetError(
                action: "read class order", place: path, reason: "there is no \(meta) in it")
        }
        return try devkitClasses(file.bytes, file.place).map(\.name)
    }
}

/// The leaves among the devkit's synsets, in the order of their `ILSVRC2012_ID`.
private func devkitClasses(
    _ bytes: [UInt8], _ place: String
) throws(DatasetError) -> [(number: Double, name: String)] {
    guard case .structures(let synsets) = try MATLABFile(bytes, path: place).variables(["synsets"])["synsets"]
    else {
        throw DatasetError(
            action: "read class order", place: place, reason: "it has no struct array 'synsets'")
    }
    let leaves: [(number: Double, name: String)] = synsets.compactMap { synset in
        guard case .text(let name) = synset["WNID"], let number = synset["ILSVRC2012_ID"]?.numbers?.first,
            synset["num_children"]?.numbers?.first ?? 0 == 0
        else { return nil }
        return (number, wordsOf(Array(trimmed(Array(name.utf8)[...]))))
    }
    return leaves.sorted { $0.number < $1.number }
}
