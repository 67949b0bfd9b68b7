internal import Networks

/// The tensors of a file, matched to the entries of a network, and all mismatches.
struct TensorMatch {
    let network: NetworkName
    /// The prefix of the network's names in the file, without the parts that wrappers add.
    private(set) var prefix = ""
    /// The file's tensor for each entry of the network; `nil` for a batch count that the file does
    /// not have.
    ///
    /// The last two are the last layer's, if it is used.
    private(set) var tensors: [(name: String, tensor: StoredTensor)?] = []
    /// The last layer's name in the file, with its rows.
    private(set) var lastLayer: (name: String, classes: Int)?
    /// τ of a T2FNorm network, if the file has it.
    private(set) var temperature: Float?
    /// Why no last layer is found, or none can be chosen.
    private(set) var lastLayerProblem: String?
    /// Why the choice among several networks of a file is ambiguous.
    private(set) var prefixProblem: String?
    private(set) var missing: [String] = []
    private(set) var unexpected: [String] = []
    /// Tensors of a wrong shape or type, each with what is found and what is expected.
    private(set) var misshapen: [String] = []
    /// Entries that are not read, each with the reason.
    private(set) var unreadable: [(name: String, reason: String)] = []
    /// Names that are equal without the parts that wrappers add.
    private(set) var ambiguous: [String] = []
    /// Tensors of the file that the network does not use.
    private(set) var passedOver: [String] = []

    private var used: Set<String> = []

    /// Matches by name and shape.
    ///
    /// `num_batches_tracked` may be missing, as in files from before PyTorch 0.4.1: only cumulative
    /// averages use it.
    ///
    /// - Parameters:
    ///   - lastLayer: The last layer's name; if `nil`, the usual names are tried.
    ///   - takesLastLayer: Whether to use the file's last layer.
    init(_ file: FileTensors, _ network: NetworkName, lastLayer: String?, takesLastLayer: Bool) {
        self.network = network
        let entries = network.stateEntries(classes: 2)
        let backbone = entries.dropLast(2)
        findPrefix(file, backbone)
        takeTemperature(file)
        for entry in backbone {
            tensors.append(take(Wanted(entry), at: prefix + TensorNames.bare(entry.name), file))
        }
        if takesLastLayer, let weight = entries.dropLast().last {
            takeLastLayer(file, dimension: weight.shape[1], asked: lastLayer)
        }
        sortRest(file, backbone, keepsOtherLayers: !takesLastLayer || lastLayer != nil)
        ambiguous = file.ambiguous.filter { used.contains($0.bare) }.map(\.names)
    }

    var fits: Bool { problems.isEmpty && lastLayerProblem == nil && prefixProblem == nil }

    /// Number of mismatches, to find the nearest network.
    var problemCount: Int {
        problems.reduce(0) { $0 + $1.names.count } + (lastLayerProblem == nil ? 0 : 1)
    }

    private var problems: [(title: String, names: [String])] {
        [
            ("missing", missing), ("unexpected", unexpected), ("misshapen", misshapen),
            ("not read", unreadable.map(\.name)), ("equal except for prefixes", ambiguous),
        ].filter { !$0.1.isEmpty }
    }

    /// Number of mismatches of each kind, in words.
    var summary: String { problems.map { "\($0.names.count) \($0.title)" }.joined(separator: ", ") }

    /// All mismatches in one line.
    var complaint: String {
        let all = problems.map { "\($0.names.count) \($0.title): \(shownList($0.names))" }
        // The first reason suffices, since the tensors of a file usually have one type.
        let reason = unreadable.first.map { "'\(shown($0.name))' \($0.reason)" }
        return (all + [reason, lastLayerProblem, prefixProblem].compactMap { $0 }).joined(separator: "; ")
    }
}

/// A tensor that a network needs.
private struct Wanted {
    var name: String
    var shape: [Int]
    /// Whether it is a batch count.
    var isCount: Bool

    init(name: String, shape: [Int], isCount: Bool) {
        self.name = name
        self.shape = shape
        self.isCount = isCount
    }

    init(_ entry: TensorEntry) {
        self.init(name: entry.name, shape: entry.shape, isCount: entry.role == .batchCount)
    }
}

// MARK: - Backbone

extension TensorMatch {
    /// Sets `prefix` to the prefix that most of the network's names have in the file.
    private mutating func findPrefix(_ file: FileTensors, _ entries: some Sequence<TensorEntry>) {
        let names = Set(entries.filter { $0.role != .batchCount }.map { TensorNames.bare($0.name) })
        let found = file.prefixes(of: names)
        prefix = found.first?.prefix ?? ""
        let whole = found.filter { $0.count == names.count }.map(\.prefix)
        guard whole.count > 1 else { return }
        let example = whole.first { !$0.isEmpty } ?? ""
        prefixProblem = """
            it holds the network \(whole.count) times, under the names \
            \(shownList(whole.map { $0.isEmpty ? "(no prefix)" : $0 + "*" })); choose one with --key, as --key \
            \(shown(String(example.dropLast())))
            """
    }

    private mutating func take(
        _ entry: Wanted, at name: String, _ file: FileTensors
    ) -> (name: String, tensor: StoredTensor)? {
        guard let found = file[name] else {
            if !entry.isCount { missing.append(entry.name) }
            return nil
        }
        used.insert(name)
        guard let tensor = found.tensor else {
            unreadable.append((found.name, found.reason))
            return nil
        }
        check(tensor, entry)
        return (found.name, tensor)
    }

    private mutating func check(_ tensor: StoredTensor, _ entry: Wanted) {
        let isCount = entry.isCount
        let hasType = isCount ? tensor.elementType == .int64 : tensor.elementType.isReal
        // A batch count is a scalar; files with shape [1] exist, too.
        let hasShape = tensor.shape == entry.shape || (isCount && tensor.shape == [1])
        guard !hasShape || !hasType else { return }
        misshapen.append(
            "\(entry.name) is \(tensor.elementType.rawValue) \(tensor.shape), expected \(isCount ? "int64" : "real numbers") \(entry.shape)"
        )
    }

    private mutating func takeTemperature(_ file: FileTensors) {
        let names = TensorNames.ancestors(of: prefix).map { $0 + "tau" }
        guard let name = names.first(where: { file[$0]?.tensor != nil }), let tensor = file[name]?.tensor
        else { return }
        used.insert(name)
        guard tensor.count == 1, tensor.elementType.isReal, let value = tensor.floats().first, value > 0,
            value.isFinite
        else {
            misshapen.append(
                "tau is \(tensor.elementType.rawValue) \(tensor.shape), expected one number above 0")
            return
        }
        temperature = value
    }

    /// Sorts the remaining tensors into ignored ones and unexpected ones, which belong to another
    /// network.
    ///
    /// - Parameter keepsOtherLayers: Whether layers that the network does not have are ignored,
    ///   such as heads to be replaced.
    private mutating func sortRest(
        _ file: FileTensors, _ entries: some Sequence<TensorEntry>, keepsOtherLayers: Bool
    ) {
        let own = Set(entries.compactMap { $0.name.split(separator: ".").first })
        for entry in file.entries where !used.contains(entry.bare) {
            guard let tensor = entry.tensor else { continue }
            guard entry.bare.hasPrefix(prefix),
                let first = entry.bare.dropFirst(prefix.count).split(separator: ".").first
            else {
                passedOver.append(entry.name)
                continue
            }
            let isHarmless =
                !own.contains(first)
                && (keepsOtherLayers || tensor.count <= 1 || TensorNames.losses.contains(first))
            if isHarmless { passedOver.append(entry.name) } else { unexpected.append(entry.name) }
        }
    }
}

// MARK: - Last layer

extension TensorMatch {
    private mutating func takeLastLayer(
        _ file: FileTensors, dimension: Int, asked: String?
    ) {
        let names = asked.map { [TensorNames.bare($0)] } ?? TensorNames.lastLayers
        var layers: [String] = []
        for name in TensorNames.ancestors(of: prefix).flatMap({ start in names.map { start + $0 } }) {
            guard let found = file["\(name).weight"] else { continue }
            // A requested layer of any shape is a candidate, so that the error can name its shape.
            if found.tensor?.shape.count == 2 || asked != nil { layers.append(name) }
        }
        // Even if they do not fit, they are not reported as unexpected.
        used.formUnion(layers.flatMap { ["\($0).weight", "\($0).bias"] })
        let fitting = layers.filter { file["\($0).weight"]?.tensor?.shape.last == dimension }
        guard let layer = fitting.first ?? layers.first else {
            lastLayerProblem = noLastLayer(file, dimension, asked)
            return
        }
        guard fitting.count < 2 || asked != nil else {
            lastLayerProblem = """
                it has several last layers: \(shownList(fitting)); choose one with --last-layer, as --last-layer \
                \(shown(fitting[0]))
                """
            return
        }
        guard let found = file["\(layer).weight"], let tensor = found.tensor, tensor.shape.count == 2,
            tensor.shape[1] == dimension, (2...1_000_000).contains(tensor.shape[0])
        else {
            lastLayerProblem = badLastLayer(file["\(layer).weight"], dimension)
            return
        }
        lastLayer = (layer, tensor.shape[0])
        let rows = tensor.shape[0]
        for (part, shape) in [("weight", [rows, dimension]), ("bias", [rows])] {
            let name = "\(layer).\(part)"
            tensors.append(take(Wanted(name: name, shape: shape, isCount: false), at: name, file))
        }
    }

    private func noLastLayer(_ file: FileTensors, _ dimension: Int, _ asked: String?) -> String {
        let alike = file.entries.filter {
            $0.name.hasSuffix(".weight") && $0.tensor?.shape.count == 2 && $0.tensor?.shape[1] == dimension
        }.map(\.name)
        let remark =
            alike.isEmpty
            ? ""
            : "; of that shape are \(shownList(alike)): choose one with --last-layer NAME, without .weight"
        let expected =
            asked.map { "\(shown($0)).weight" }
            ?? "fc.weight, linear.weight, classifier.weight or head.weight"
        return
            "it has no last layer: expected \(expected) of shape [classes, \(dimension)] among its \(file.entries.count) tensors\(remark)"
    }

    private func badLastLayer(_ found: FileTensors.Entry?, _ dimension: Int) -> String {
        guard let found else { return "it has no last layer" }
        guard let tensor = found.tensor else { return "\(shown(found.name)) \(found.reason)" }
        let remark = tensor.shape.count == 2 && tensor.shape[0] == dimension ? ": it is transposed" : ""
        return "\(shown(found.name)) has shape \(tensor.shape), expected [classes, \(dimension)]\(remark)"
    }
}
