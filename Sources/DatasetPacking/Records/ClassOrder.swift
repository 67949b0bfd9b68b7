package import Datasets

/// The class names of a dataset in label order, as given by the user.
package struct ClassOrder: Sendable {
    /// A line of a list: the whole name, and the part before the first blank.
    private struct Line {
        var whole: String
        var first: String
    }

    private let lines: [Line]
    /// Where the order comes from, for errors.
    private let place: String

    /// - Parameters:
    ///   - names: The whole names of the classes.
    ///   - place: Where they come from, for errors.
    /// - Throws: If a name occurs twice.
    package init(_ names: [String], place: String) throws(DatasetError) {
        try self.init(lines: names.map { Line(whole: $0, first: $0) }, place: place)
    }

    /// Reads `synsets.txt` (one name per line; the text after a blank is part of the name or its
    /// description), the devkit's `meta.mat`, or the devkit's archive or folder.
    ///
    /// The devkit's own order (`ILSVRC2012_ID`) is not that of OpenOOD and torchvision, which sort
    /// the identifiers.
    ///
    /// - Throws: If the file cannot be read, or it names a class twice or no class.
    package init(_ path: String) throws(DatasetError) {
        if let names = try ImageNetDevkit.names(at: path) {
            try self.init(names, place: path)
            return
        }
        let lines = try TextLines(path).lines.filter { !$0.isEmpty }.map { line in
            let text = wordsOf(Array(line))
            return Line(
                whole: text, first: text.split(whereSeparator: \.isWhitespace).first.map(String.init) ?? text)
        }
        try self.init(lines: lines, place: path)
    }

    private init(lines: [Line], place: String) throws(DatasetError) {
        guard !lines.isEmpty else {
            throw DatasetError(action: "read class order", place: place, reason: "it names no class")
        }
        var seen: Set<[UInt8]> = []
        if let twice = lines.first(where: { !seen.insert($0.whole.bytesKey).inserted }) {
            throw DatasetError(
                action: "read class order", place: place, reason: "'\(twice.whole)' occurs twice")
        }
        self.lines = lines
        self.place = place
    }

    /// The names in label order, spelled like those of `classes`.
    ///
    /// A line stands for the class of its whole text if `classes` contains it, otherwise for the
    /// text before its first blank.
    func names(for classes: [String]) -> [String] {
        let known = Set(classes.map(\.bytesKey))
        return lines.map { known.contains($0.whole.bytesKey) ? $0.whole : $0.first }
    }

    /// The labels of `classes`, by the bytes of their names.
    ///
    /// - Throws: If one of them has no label, or two lines stand for the same class.
    func labels(of classes: [String], in source: String) throws(DatasetError) -> [[UInt8]: Int32] {
        var labels: [[UInt8]: Int32] = [:]
        for (label, name) in names(for: classes).enumerated() {
            guard labels.updateValue(Int32(label), forKey: name.bytesKey) == nil else {
                throw DatasetError(
                    action: "read class order", place: place, reason: "'\(name)' occurs twice")
            }
        }
        if let unknown = classes.first(where: { labels[$0.bytesKey] == nil }) {
            throw DatasetError(
                action: "find the class '\(unknown)'", place: source,
                reason: "the order of classes (\(place)) has no such name",
                remedy:
                    "give the order that belongs to the images: \(names(for: classes).count) names are in it, "
                    + "\(classes.count) classes are here")
        }
        return labels
    }
}
