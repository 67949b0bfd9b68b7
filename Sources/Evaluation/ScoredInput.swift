package import Datasets
package import Detection
internal import Foundation

/// One input of `score`: image files, or a packed set.
package struct ScoredInput {
    /// The set to score.
    package let set: NamedSet
    /// The path to print for a record.
    package let path: @Sendable (_ record: Int) -> String
    /// Records damaged images; `nil` if a damaged image ends the job.
    package let lenient: LenientSource?

    private init(
        _ source: any ImageSource, name: String, skipsBad: Bool, path: @escaping @Sendable (Int) -> String
    ) {
        lenient = skipsBad ? LenientSource(source) : nil
        set = NamedSet(name: name, source: lenient ?? source)
        self.path = path
    }

    /// Opens the inputs in order: consecutive files and folders of images become one input, each
    /// packed set its own.
    ///
    /// - Parameter skipsBad: Whether damaged images are skipped.
    /// - Returns: The inputs, and notes on them for the user.
    package static func open(
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
                notes += images.notes
                let paths = images.paths
                result.append(ScoredInput(images, name: "images", skipsBad: skipsBad) { paths[$0].text })
                files = []
            }
            guard let input else { continue }
            let set = try PackedDataset(path: input)
            result.append(
                ScoredInput(set, name: set.name, skipsBad: skipsBad) {
                    set.path(of: $0)?.text ?? "\(input)#\($0)"
                })
        }
        return (result, notes)
    }

    private static func isPacked(_ path: String) -> Bool {
        FileManager.default.fileExists(atPath: "\(path)/\(Manifest.fileName)")
    }
}
