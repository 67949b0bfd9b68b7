internal import Datasets
package import Detection
internal import HDF5

/// The file of all samples' scores, `<run>/scores/<benchmark>.h5`.
///
/// | object | content |
/// |---|---|
/// | `/` attributes | `formatVersion`, `benchmark`, `checkpoint`, `weights`, `preprocessing` (hashes) |
/// | `/<set>` attributes | `role`, `records` (hash of the packed dataset), `list` (hash of its image list, if it has one) |
/// | `/<set>/id`, `label`, `prediction` | the record's number, its label (−1 out-of-distribution), the predicted class (−1 without a classifier); int64, int32, int32 |
/// | `/<set>/path` | the source path of the image; absent if images are stored as pixels |
/// | `/<set>/score/<score>` | float32, float64 for scores of double precision; higher is more in-distribution |
package struct ScoreFile {
    package static let formatVersion: Int64 = 1

    package let opened: OpenedBenchmark
    package let sets: [ScoredSet]
    package let scores: [ScoreDefinition]
    package let kept: EvaluationRecord

    /// Writes the file atomically.
    package func write(to path: String) throws {
        try HDF5File.writeAtomically(to: path) { file in
            try file.setAttribute("formatVersion", Self.formatVersion)
            try file.setAttribute("benchmark", kept.benchmark)
            try file.setAttribute("checkpoint", kept.checkpoint)
            try file.setAttribute("weights", kept.weights)
            try file.setAttribute("preprocessing", kept.preprocessing)
            for ((name, role, dataset), scored) in zip(opened.datasets, sets) {
                try write(scored, name, role, dataset, to: file)
            }
        }
    }

    private func write(
        _ scored: ScoredSet, _ name: String, _ role: OpenOODBenchmark.Role, _ dataset: PackedDataset,
        to file: borrowing HDF5File
    ) throws {
        try file.createGroup(name)
        try file.setAttribute("role", role.rawValue, on: name)
        try file.setAttribute("records", dataset.fingerprint, on: name)
        if let list = dataset.manifest.benchmark?.listHash { try file.setAttribute("list", list, on: name) }
        try file.write(scored.records.map(Int64.init), shape: [scored.count], to: "\(name)/id")
        let paths = scored.records.compactMap { dataset.path(of: $0)?.bytes }
        if paths.count == scored.count { try file.write(paths, to: "\(name)/path") }
        try file.write(scored.labels, shape: [scored.count], to: "\(name)/label")
        try file.write(scored.predictions, shape: [scored.count], to: "\(name)/prediction")
        try file.createGroup("\(name)/score")
        for (score, confidences) in zip(scores, scored.confidences) {
            let place = "\(name)/score/\(score.title)"
            switch score.precision {
            case .single: try file.write(confidences.map { Float($0) }, shape: [scored.count], to: place)
            case .double: try file.write(confidences, shape: [scored.count], to: place)
            }
        }
    }
}
