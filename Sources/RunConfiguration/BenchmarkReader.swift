internal import Foundation
internal import Yams

extension BenchmarkDefinition {
    /// Reads and checks a benchmark's file.
    ///
    /// - Throws: The first fault: the file, a line, an unknown key or a value.
    package init(file: String) throws(ConfigurationError) {
        try self.init(yaml: try textOfConfiguration(file), file: file)
    }

    /// As `init(file:)`, from the text of a file.
    package init(yaml: String, file: String) throws(ConfigurationError) {
        self = try BenchmarkReader(file: file).definition(try composeConfiguration(yaml, file: file))
    }
}

/// Converts YAML to a benchmark; every error names the key and the line.
private struct BenchmarkReader {
    let file: String

    func definition(_ document: Node) throws(ConfigurationError) -> BenchmarkDefinition {
        let fields = try fields(
            document, "the document",
            known: [
                "name", "title", "data", "train", "validation", "oodValidation", "test", "near", "far",
                "csid",
                "published",
            ])
        let name = try text(fields["name"], "name", expected: "the benchmark's name", in: document)
        guard isFileName(name) else {
            throw error("name", fields["name"], expected: "the name of a folder, without '/'")
        }
        guard let test = try set(fields["test"], "test") else {
            throw error("test", fields["test"] ?? document, found: "missing", expected: "a packed dataset")
        }
        var result = BenchmarkDefinition(name: name, test: test)
        result.title = try optionalText(fields["title"], "title") ?? ""
        result.data = try optionalText(fields["data"], "data") ?? ""
        result.train = try set(fields["train"], "train")
        result.validation = try set(fields["validation"], "validation")
        result.oodValidation = try set(fields["oodValidation"], "oodValidation")
        result.near = try sets(fields["near"], "near")
        result.far = try sets(fields["far"], "far")
        result.csid = try sets(fields["csid"], "csid")
        result.published = try published(fields["published"])
        try checkNames(of: result, document)
        return result
    }

    private func checkNames(
        of definition: BenchmarkDefinition, _ document: Node
    ) throws(ConfigurationError) {
        let (near, far, csid) = (definition.near, definition.far, definition.csid)
        guard !near.isEmpty || !far.isEmpty else {
            throw error(
                "near", document, found: "missing", expected: "at least one set in near or far")
        }
        var seen: Set<String> = []
        for set in near + far + csid {
            guard isFileName(set.name), !["nearood", "farood", definition.name].contains(set.name) else {
                throw error(
                    set.name, document, found: "the name of a set",
                    expected: "a name without '/' that is not nearood, farood or the benchmark's")
            }
            guard seen.insert(set.name).inserted else {
                throw error(
                    set.name, document, found: "written twice",
                    expected: "each set in one of near, far and csid")
            }
        }
    }

    // MARK: - Sets

    private func sets(
        _ node: Node?, _ key: String
    ) throws(ConfigurationError) -> [BenchmarkDefinition.ImageSet] {
        guard let node, !node.isNull else { return [] }
        guard let pairs = node.mapping else {
            throw error(key, node, expected: "sets by name, such as 'tin: data/tin'")
        }
        var result: [BenchmarkDefinition.ImageSet] = []
        for (name, value) in pairs {
            let name = name.scalar?.string ?? name.brief
            result.append(try set(value, named: name, "\(key).\(name)"))
        }
        return result
    }

    private func set(
        _ node: Node?, _ key: String
    ) throws(ConfigurationError) -> BenchmarkDefinition.ImageSet? {
        guard let node else { return nil }
        return try set(node, named: key, key)
    }

    /// Reads a folder, an empty value for the folder of the set's name, or a mapping.
    private func set(
        _ node: Node, named name: String, _ key: String
    ) throws(ConfigurationError) -> BenchmarkDefinition.ImageSet {
        if node.isNull { return .init(name: name, folder: name) }
        if let scalar = node.scalar { return .init(name: name, folder: scalar.string) }
        let fields = try fields(node, key, known: ["folder", "count", "hash", "optional"])
        var result = BenchmarkDefinition.ImageSet(
            name: name, folder: try optionalText(fields["folder"], "\(key).folder") ?? name)
        if let count = fields["count"] {
            guard let value = count.int, value >= 1 else {
                throw error("\(key).count", count, expected: "a whole number from 1")
            }
            result.count = value
        }
        result.hash = try optionalText(fields["hash"], "\(key).hash")
        if let optional = fields["optional"] {
            guard let value = optional.bool else {
                throw error("\(key).optional", optional, expected: "true or false")
            }
            result.isOptional = value
        }
        return result
    }

    // MARK: - Published numbers

    private func published(_ node: Node?) throws(ConfigurationError) -> [PublishedResult] {
        guard let node, !node.isNull else { return [] }
        guard let items = node.sequence else {
            throw error("published", node, expected: "a list of results")
        }
        var results: [PublishedResult] = []
        for item in items {
            let fields = try fields(
                item, "published", known: ["training", "score", "task", "accuracy", "rows"])
            let task = try text(fields["task"], "published.task", expected: "ood or fsood", in: item)
            guard ["ood", "fsood"].contains(task) else {
                throw error("published.task", fields["task"], expected: "ood or fsood")
            }
            results.append(
                PublishedResult(
                    training: try text(
                        fields["training"], "published.training", expected: "how the network was trained",
                        in: item),
                    score: try text(fields["score"], "published.score", expected: "a score", in: item),
                    isFullSpectrum: task == "fsood",
                    accuracy: try fields["accuracy"].flatMap { (node) throws(ConfigurationError) in
                        try value(node, "published.accuracy")
                    },
                    rows: try rows(fields["rows"], item)))
        }
        return results
    }

    private func rows(
        _ node: Node?, _ item: Node
    ) throws(ConfigurationError) -> [(name: String, values: [PublishedResult.Value?])] {
        guard let pairs = node?.mapping else {
            throw error(
                "published.rows", node ?? item, expected: "rows such as 'tin: [22.33 ± 0.37, 94.02 ± 0.16]'")
        }
        var result: [(name: String, values: [PublishedResult.Value?])] = []
        for (name, list) in pairs {
            let key = "published.rows.\(name.scalar?.string ?? name.brief)"
            guard let cells = list.sequence, cells.count <= 4 else {
                throw error(key, list, expected: "a list of FPR@95, AUROC, AUPR_IN, AUPR_OUT")
            }
            var values: [PublishedResult.Value?] = []
            for cell in cells { values.append(try value(cell, key)) }
            result.append((name.scalar?.string ?? name.brief, values))
        }
        return result
    }

    /// Reads a number, a number with its deviation as in `22.33 ± 0.37`, or an empty value.
    private func value(_ node: Node, _ key: String) throws(ConfigurationError) -> PublishedResult.Value? {
        if node.isNull { return nil }
        let parts = (node.scalar?.string ?? "").split(separator: "±").map {
            Double($0.trimmingCharacters(in: .whitespaces))
        }
        guard (1...2).contains(parts.count), let mean = parts[0], parts.allSatisfy({ $0?.isFinite == true })
        else { throw error(key, node, expected: "a number, or two as in 22.33 ± 0.37") }
        return PublishedResult.Value(mean: mean, deviation: parts.count == 2 ? parts[1] : nil)
    }

    // MARK: - Nodes

    /// The values of a mapping whose keys are all known.
    private func fields(
        _ node: Node, _ key: String, known: [String]
    ) throws(ConfigurationError) -> [String: Node] {
        guard let pairs = node.mapping else {
            throw error(key, node, expected: "a mapping of \(known.joined(separator: ", "))")
        }
        var result: [String: Node] = [:]
        for (name, value) in pairs {
            let text = name.scalar?.string ?? name.brief
            guard known.contains(text) else {
                var error = error(
                    text, name, found: "unknown", expected: "one of the keys \(known.joined(separator: ", "))"
                )
                error.suggestion = nearestName(to: text, among: known)
                throw error
            }
            result[text] = value
        }
        return result
    }

    private func text(
        _ node: Node?, _ key: String, expected: String, in parent: Node
    ) throws(ConfigurationError) -> String {
        guard let node, let scalar = node.scalar, !node.isNull, !scalar.string.isEmpty else {
            throw error(key, node ?? parent, found: node?.brief ?? "missing", expected: expected)
        }
        return scalar.string
    }

    private func optionalText(_ node: Node?, _ key: String) throws(ConfigurationError) -> String? {
        guard let node, !node.isNull else { return nil }
        guard let scalar = node.scalar else { throw error(key, node, expected: "one value") }
        return scalar.string
    }

    private func error(
        _ key: String, _ node: Node?, found: String? = nil, expected: String
    ) -> ConfigurationError {
        ConfigurationError(
            key: key, found: found ?? node.map { $0.isNull ? "empty" : $0.brief } ?? "missing",
            expected: expected, origin: .init(file: file, line: node?.mark?.line))
    }
}
