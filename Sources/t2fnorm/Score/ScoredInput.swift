import Datasets
import Detection
import Foundation

/// What a user wants scored: image files, or a packed set.
struct ScoredInput {
    /// The set as it is scored.
    let set: NamedSet
    /// What its records are called.
    let path: @Sendable (_ record: Int) -> String
    /// Notes damaged images; `nil` where these end the job.
    let lenient: LenientSource?

    private init(
        _ source: any ImageSource, name: String, skipsBad: Bool, path: @escaping @Sendable (Int) -> String
    ) {
        lenient = skipsBad ? LenientSource(source) : nil
        set = NamedSet(name: name, source: lenient ?? source)
        self.path = path
    }

    /// The inputs in their order: neighbouring files and folders of images as one, each packed set as its own.
    ///
    /// - Parameter skipsBad: Whether damaged images are passed over.
    /// - Returns: The inputs, and what to know of them.
    static func open(
        _ inputs: [String], skipsBad: Bool
    ) throws(DatasetError) -> (inputs: [ScoredInput], notes: [String]) {
        var result: [ScoredInput] = []
        var notes: [String] = []
        var files: [String] = []
        for input in inputs + [nil] {
            if let input, !isPacked(input) {
                files.append(input)
                continue
            }
            if !files.isEmpty {
                let images = try ImageFiles(files)
                if images.passedOverCount > 0 {
                    notes.append(
                        "\(images.passedOverCount) files are no .jpg, .jpeg, .png or .webp and are passed over"
                    )
                }
                let paths = images.paths
                result.append(ScoredInput(images, name: "images", skipsBad: skipsBad) { paths[$0] })
                files = []
            }
            guard let input else { continue }
            let set = try PackedDataset(path: input)
            result.append(
                ScoredInput(set, name: set.name, skipsBad: skipsBad) { set.path(of: $0) ?? "\(input)#\($0)" })
        }
        return (result, notes)
    }

    private static func isPacked(_ path: String) -> Bool {
        FileManager.default.fileExists(atPath: "\(path)/\(Manifest.fileName)")
    }
}
