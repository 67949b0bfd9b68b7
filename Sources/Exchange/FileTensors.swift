/// The tensors of a file by their bare names, that is without the parts that wrappers add.
struct FileTensors {
    struct Entry {
        var name: String
        var bare: String
        /// `nil` for an entry that is not read.
        var tensor: StoredTensor?
        /// Why it is not read.
        var reason = ""
    }

    /// In the file's order.
    private(set) var entries: [Entry] = []
    private var places: [String: Int] = [:]
    /// Names with the same bare name, by the bare name.
    private(set) var ambiguous: [(bare: String, names: String)] = []

    init(_ file: ModelFile) {
        let read = file.tensors.map {
            Entry(name: $0.name, bare: TensorNames.bare($0.name), tensor: $0.tensor)
        }
        let unread = file.unread.map {
            Entry(name: $0.name, bare: TensorNames.bare($0.name), reason: $0.reason)
        }
        for entry in read + unread {
            if let first = places.updateValue(entries.count, forKey: entry.bare) {
                ambiguous.append((entry.bare, "\(entries[first].name) and \(entry.name)"))
            }
            entries.append(entry)
        }
    }

    subscript(bare: String) -> Entry? { places[bare].map { entries[$0] } }

    /// The prefixes of `names` in the file, each with the number of names that follow it, the most
    /// frequent first.
    func prefixes(of names: Set<String>) -> [(prefix: String, count: Int)] {
        var counts: [String: Int] = [:]
        for bare in places.keys {
            var rest = bare[...]
            while true {
                if names.contains(String(rest)) {
                    counts[String(bare.prefix(upTo: rest.startIndex)), default: 0] += 1
                }
                guard let dot = rest.firstIndex(of: ".") else { break }
                rest = rest[rest.index(after: dot)...]
            }
        }
        return counts.sorted { ($1.value, $0.key.count, $0.key) < ($0.value, $1.key.count, $1.key) }
            .map { ($0.key, $0.value) }
    }
}
