internal import Datasets
internal import SystemPackage

extension DatasetFormat {
    static let npy = DatasetFormat(
        "npy", "NumPy images with their labels, such as CIFAR-10-C",
        options: [.labels],
        rows: [
            Row(
                "CIFAR-10-C, CIFAR-10.1 and other .npy pairs", "`gaussian_noise.npy`",
                "`labels.npy` beside it, or the file's own name with `labels` or `y` for `images`, `data` or `X`, or `--labels FILE`; no labels with `--ood`"
            )
        ],
        recognize: { content, _ in content.kind == .npy ? .content : nil },
        open: { try NumPyImages(images: $0.inputs[0], labels: labelsPath($0)) })

    static let npz = DatasetFormat(
        "npz", "NumPy archives of images and labels, such as MedMNIST",
        options: [.part],
        rows: [
            Row(
                "MedMNIST and other .npz",
                #"`pathmnist.npz`, with `--split train\|val\|test\|all` if it has parts"#,
                "arrays are found by their names (below)")
        ],
        recognize: { content, _ in content.zipFile?.extension == "npy" ? .entries : nil },
        open: { try openArchive($0) })
}

/// The path of an .npy set's labels; `nil` if none are needed.
private func labelsPath(_ options: SourceOptions) throws -> String? {
    if options.isOutOfDistribution { return nil }
    let images = options.inputs[0]
    // Reports errors of the image file before a missing label file.
    _ = try NumPyImages(images: images, labels: nil)
    guard let labels = options.labels ?? NumPyImages.labelsBeside(images) else {
        throw SourceOptionError(
            "\(images) holds no labels: name them with --labels FILE.npy, or pack the images with --ood")
    }
    return labels
}

private func openArchive(_ options: SourceOptions) throws -> any RecordSource {
    let archive = try NumPyArchive(options.inputs[0])
    let parts: [String]
    switch options.split {
    case .part(let part) where part != "all": parts = [part]
    default: parts = archive.parts
    }
    guard options.split != nil || parts.count == 1 else {
        throw SourceOptionError(
            "\(options.inputs[0]) holds \(parts.joined(separator: ", ")) images: choose one of them or all with --split"
        )
    }
    return try archive.images(of: parts, isLabelled: !options.isOutOfDistribution)
}
