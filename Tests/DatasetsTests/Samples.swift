import Datasets

/// Synthetic records of one size: labels cycle, and every pixel depends on the record.
func drawnRecords(count: Int, width: Int = 7, height: Int = 5, classNames: [String] = ["a", "b", "c"])
    -> GeneratedRecords
{
    GeneratedRecords(origin: "drawn", classNames: classNames, count: count) { index in
        (Int32(index % 3), drawnImage(index, width: width, height: height))
    }
}

func drawnImage(_ index: Int, width: Int = 7, height: Int = 5) -> RGBImage {
    let bytes = (0..<width * height * 3).map { UInt8(truncatingIfNeeded: $0 &* 13 &+ index &* 31) }
    return RGBImage(width: width, height: height, bytes: bytes)
}

/// Packs into `folder/name` and opens the result.
func pack(
    _ source: any RecordSource, _ folder: String, _ name: String = "set",
    options: PackingOptions = PackingOptions()
) throws -> PackedDataset {
    var packer = Packer(source: source, name: name, destination: "\(folder)/\(name)", options: options)
    let manifest = try packer.run()
    let dataset = try PackedDataset(path: "\(folder)/\(name)")
    precondition(dataset.manifest == manifest, "the manifest read is not the one written")
    return dataset
}

/// All records of a source.
func records(of source: any RecordSource) throws -> [Record] {
    var source = source
    var records: [Record] = []
    while let record = try source.next() { records.append(record) }
    return records
}

/// The description of the error that `body` throws; empty if it does not throw.
func message(_ body: () throws -> Void) -> String {
    do {
        try body()
        return ""
    } catch {
        return "\(error)"
    }
}
