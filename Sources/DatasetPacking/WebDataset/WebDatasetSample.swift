internal import Datasets
internal import SystemPackage

/// The files of one key in a shard.
struct WebDatasetSample {
    /// The bytes of the key.
    let key: [UInt8]
    /// The shard and the key, for errors.
    let place: String
    /// The image's entry; `nil` if it is missing.
    var image: ArchiveReader.Entry?
    /// The roles of the files that were found.
    var roles: Set<WebDatasetFile.Role> = []
    /// The image's bytes, if they were to be read.
    var bytes: [UInt8] = []
    /// The label from the `.cls` file, which comes before that of the `.json` file.
    var classNumber: WebDatasetLabel?
    /// The label from the `.json` file.
    var metadata: WebDatasetLabel?

    var label: WebDatasetLabel? { classNumber ?? metadata }

    /// The label; −1 if there is none.
    var number: Int32 { if case .number(let number) = label { number } else { -1 } }

    init(_ key: [UInt8], in shard: String) {
        self.key = key
        place = Self.place(key, in: shard)
    }

    /// The shard and the key.
    static func place(_ key: [UInt8], in shard: String) -> String { "\(shard), key '\(wordsOf(key))'" }

    /// The error of a sample that cannot be packed; `nil` if it can.
    ///
    /// - Parameter isLabelled: Whether a label is needed.
    func problem(isLabelled: Bool) -> Record.Payload? {
        let error = { (reason: String) in DatasetError(action: "read sample", place: place, reason: reason) }
        guard let image else { return .missing(error("it has no .jpg, .jpeg, .png or .webp file")) }
        if isLabelled {
            switch label {
            case nil:
                return .missing(error("it has no label: a .cls file, or a .json file with 'label' or 'cls'"))
            case .bad(let reason): return .damaged(error(reason))
            case .number: break
            }
        }
        return tooLarge(image.byteCount, place: place).map { .damaged($0) }
    }

    /// The image's path in the shard; the key if there is no image.
    var path: FilePath { image?.path ?? FilePath(bytes: key) ?? FilePath() }
}

/// The path of a sample's image in the dataset: the shard's name without its extensions, and the
/// path in the shard.
func pathOfRecord(_ image: FilePath, in shard: FilePath) -> FilePath {
    let name = shard.lastComponent.map { FilePath(root: nil, [$0]).bytes } ?? []
    let stem = name.first == UInt8(ascii: ".") ? name[...] : name.prefix { $0 != UInt8(ascii: ".") }
    return (FilePath(bytes: stem) ?? FilePath()).appending(image.components)
}
