internal import Checksums
internal import Datasets

/// All settings that determine the content of a packed dataset, as text. An interrupted run is
/// resumed only if they are the same.
///
/// The policy for bad images is not included: a finished shard without bad images is the same under
/// either policy.
struct PackingRequest: Codable, Equatable, Sendable {
    /// The values as on the command line, by option.
    let settings: [String: String]

    init(_ source: any RecordSource, name: String, _ options: PackingOptions) {
        var settings = [
            "source": source.origin, "the source's state": source.identity, "name": name,
            "layout": options.layout.rawValue, "ood": "\(options.outOfDistribution)",
            "bytes in a shard": "\(options.bytesPerShard)",
            "class names": (options.classNames ?? source.classNames).joined(separator: ", "),
        ]
        settings["records"] = source.count.map { "\($0)" }
        settings["limit"] = options.limit.map { "\($0)" }
        settings["class-count"] = options.classCount.map { "\($0)" }
        settings["shard-size"] = options.recordsPerShard.map { "\($0)" }
        settings["shuffle-seed"] = options.shuffleSeed.map { "\($0)" }
        settings["resize-shorter"] = options.resizeShorter.map { "\($0)" }
        if options.resizeShorter != nil || options.recompresses { settings["quality"] = "\(options.quality)" }
        if options.recompresses { settings["recompress"] = "given" }
        settings["benchmark"] = options.benchmark.map { "\($0)" }
        self.settings = settings
    }

    /// The differences from an earlier request; empty if there are none.
    func differences(from earlier: PackingRequest) -> [String] {
        Set(settings.keys).union(earlier.settings.keys).sorted()
            .filter { settings[$0] != earlier.settings[$0] }
            .map { "\($0) was \(earlier.settings[$0] ?? "not given"), is \(settings[$0] ?? "not given")" }
    }

    /// A hash that is equal in all processes that see the same source.
    var hash: UInt64 {
        var check = CRC64()
        for key in settings.keys.sorted() { check.update(Array("\(key)=\(settings[key] ?? "")\n".utf8)) }
        return check.value
    }
}
