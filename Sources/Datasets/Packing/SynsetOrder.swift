/// Classes in the order of their labels, from a list or from the devkit of ILSVRC.
public struct SynsetOrder: Sendable {
    /// WordNet's identifiers (`n01440764`), or whatever names the classes have.
    public let names: [String]

    /// Reads `synsets.txt` (a name a line; what follows a blank is passed over), the devkit's `meta.mat`, or the devkit's archive.
    ///
    /// The devkit's own order (`ILSVRC2012_ID`) is not that of OpenOOD and torchvision, which sort the identifiers.
    ///
    /// - Throws: If the file cannot be read, or names a class twice or none.
    public init(_ path: String) throws(DatasetError) {
        var found: [String]
        if path.hasSuffix(".mat") {
            found = try devkitNames(try ReadableFile.contents(of: path), path)
        } else if [".tar", ".tar.gz", ".tgz"].contains(where: path.hasSuffix) {
            guard let file = try NamedFiles(["meta.mat"], in: path).only(of: ["meta.mat"]) else {
                throw DatasetError(
                    action: "read class order", place: path, reason: "there is no meta.mat in it")
            }
            found = try devkitNames(file.bytes, file.place)
        } else {
            found = String(decoding: try ReadableFile.contents(of: path), as: UTF8.self)
                .split(whereSeparator: \.isNewline).compactMap { line in
                    line.split(whereSeparator: \.isWhitespace).first.map(String.init)
                }
        }
        guard !found.isEmpty else {
            throw DatasetError(action: "read class order", place: path, reason: "it names no class")
        }
        var seen: Set<String> = []
        if let twice = found.first(where: { !seen.insert($0).inserted }) {
            throw DatasetError(action: "read class order", place: path, reason: "'\(twice)' is there twice")
        }
        names = found
    }
}

/// The leaves among the devkit's synsets by their `ILSVRC2012_ID`.
private func devkitNames(_ bytes: [UInt8], _ place: String) throws(DatasetError) -> [String] {
    guard case .structures(let synsets) = try MATLABFile(bytes, path: place).variables(["synsets"])["synsets"]
    else {
        throw DatasetError(
            action: "read class order", place: place, reason: "it has no struct array 'synsets'")
    }
    let leaves: [(number: Double, name: String)] = synsets.compactMap { synset in
        guard case .text(let name) = synset["WNID"], let number = synset["ILSVRC2012_ID"]?.numbers?.first,
            synset["num_children"]?.numbers?.first ?? 0 == 0
        else { return nil }
        return (number, name.trimmingBlanks())
    }
    return leaves.sorted { $0.number < $1.number }.map(\.name)
}
