internal import Networks

/// The tensors of a file, each at the place of the network that it is meant for; and all that does not fit.
struct TensorMatch {
    /// For each entry of the network the tensor of the file; `nil` for a count of batches that the file does not keep.
    var tensors: [StoredTensor?] = []
    /// τ of a T2FNorm network, if the file has it.
    var temperature: Float?
    var missing: [String] = []
    var unexpected: [String] = []
    /// Each with what it is and what is expected.
    var misshapen: [String] = []
    /// Names that become the same without prefixes.
    var ambiguous: [String] = []

    /// Matches by name and shape.
    ///
    /// `num_batches_tracked` may be missing, as in files from before PyTorch 0.4.1: nothing but cumulative averages reads it.
    init(_ file: [NamedTensor], entries: [TensorEntry]) {
        var found: [String: (original: String, tensor: StoredTensor)] = [:]
        for named in file {
            let bare = TensorNames.bare(named.name)
            if let first = found.updateValue((named.name, named.tensor), forKey: bare) {
                ambiguous.append("\(first.original) and \(named.name)")
            }
        }
        takeTemperature(&found)
        for entry in entries {
            let name = ([entry.name] + TensorNames.others(for: entry.name)).first { found[$0] != nil }
            guard let name, let tensor = found.removeValue(forKey: name)?.tensor else {
                tensors.append(nil)
                if entry.role != .batchCount { missing.append(entry.name) }
                continue
            }
            tensors.append(tensor)
            check(tensor, entry)
        }
        // In the file's order.
        unexpected = file.map(\.name).filter { found[TensorNames.bare($0)]?.original == $0 }
    }

    var fits: Bool { missing.isEmpty && unexpected.isEmpty && misshapen.isEmpty && ambiguous.isEmpty }

    private var problems: [(title: String, names: [String])] {
        [
            ("missing", missing), ("unexpected", unexpected), ("misshapen", misshapen),
            ("the same but for prefixes", ambiguous),
        ].filter { !$0.1.isEmpty }
    }

    /// How many tensors do not fit.
    var summary: String { problems.map { "\($0.names.count) \($0.title)" }.joined(separator: ", ") }

    /// Everything that does not fit, in one line.
    var complaint: String {
        problems.map { title, names in
            let more = names.count > 400 ? " and \(names.count - 400) more" : ""
            return "\(names.count) \(title): \(names.prefix(400).map(shown).joined(separator: ", "))\(more)"
        }.joined(separator: "; ")
    }

    private mutating func takeTemperature(
        _ found: inout [String: (original: String, tensor: StoredTensor)]
    ) {
        guard let (_, tensor) = found.removeValue(forKey: "tau") else { return }
        guard tensor.count == 1, tensor.elementType.isReal, let value = tensor.floats().first, value > 0,
            value.isFinite
        else {
            misshapen.append(
                "tau is \(tensor.elementType.rawValue) \(tensor.shape), expected one number above 0")
            return
        }
        temperature = value
    }

    private mutating func check(_ tensor: StoredTensor, _ entry: TensorEntry) {
        let isCount = entry.role == .batchCount
        let hasType = isCount ? tensor.elementType == .int64 : tensor.elementType.isReal
        // A count of batches is a scalar; files of one number in a row have been seen too.
        let hasShape = tensor.shape == entry.shape || (isCount && tensor.shape == [1])
        guard !hasShape || !hasType else { return }
        misshapen.append(
            "\(entry.name) is \(tensor.elementType.rawValue) \(tensor.shape), expected \(isCount ? "int64" : "real numbers") \(entry.shape)"
        )
    }
}
