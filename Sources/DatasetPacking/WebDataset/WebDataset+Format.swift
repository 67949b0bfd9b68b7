internal import Datasets
internal import SystemPackage

extension DatasetFormat {
    static let webDataset = DatasetFormat(
        "webdataset", "WebDataset's shards: tars of KEY.jpg with KEY.cls or KEY.json",
        takesSeveralFiles: true,
        rows: [
            Row(
                "WebDataset shards",
                "`train-000000.tar train-000001.tar …`, `'train-{000000..000146}.tar'`, or a folder of them, plain or compressed",
                "a sample is `KEY.jpg`, `.jpeg`, `.png` or `.webp` with `KEY.cls` or `KEY.json` (below); no labels with `--ood`"
            )
        ],
        recognize: { content, options in
            // A list and the devkit have labels of their own.
            guard options.list == nil, options.devkit == nil else { return nil }
            switch content.form {
            case .folder:
                return firstTar(in: content).map { hasSamples(InputContent($0)) } ?? false ? .content : nil
            case .file: return hasSamples(content) ? .content : nil
            // So that the missing shard is named.
            case .missing: return options.inputs.contains(where: options.isRange) ? .name : nil
            case .special: return nil
            }
        },
        open: { options in
            let isLabelled = !options.isOutOfDistribution
            let shards = try WebDatasetShards(options.files(), origin: options.inputs)
            if let index = try WebDatasetIndex(shards, isLabelled: isLabelled) { return index }
            return try WebDatasetStream(shards, isLabelled: isLabelled)
        })
}

/// Whether the first files of a tar are an image and its label, which is read: class folders may
/// have `.json` files of another meaning beside their images.
private func hasSamples(_ content: InputContent) -> Bool {
    let files = content.tarFiles.compactMap { $0.insideTree.flatMap { WebDatasetFile($0) } }
    let images = Set(files.filter { $0.role == .image }.map(\.key))
    guard files.contains(where: { $0.role != .image && images.contains($0.key) }),
        var pass = try? WebDatasetPass(content.path, readsLabels: true)
    else { return false }
    for _ in 0..<4 {
        guard let sample = try? pass.next(readsImage: false) else { return false }
        if sample.image != nil, sample.number >= 0 { return true }
    }
    return false
}

private func firstTar(in content: InputContent) -> String? {
    content.names.first(where: isTarName).map { "\(content.path)/\($0)" }
}
