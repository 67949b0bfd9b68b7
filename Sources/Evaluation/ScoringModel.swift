internal import Checkpoints
internal import Cluster
public import Datasets
public import Detection
internal import Networks
internal import RunConfiguration
internal import Training
internal import Workers

/// A trained network that scores images in this process.
///
/// It is read from one checkpoint, which holds the network, its weights and the preprocessing of
/// its run.
public struct ScoringModel {
    /// The number of classes that the network was trained on.
    public var classCount: Int { model.classifier.classes }

    private let configuration: RunConfiguration
    private let model: LoadedModel
    private let pool: WorkerPool

    /// Reads a checkpoint.
    ///
    /// - Parameters:
    ///   - path: The file, such as `runs/quickstart/s0/checkpoints/best.h5`.
    ///   - threads: Threads that compute, at least 1; `nil` for all cores of this process. The
    ///     results do not depend on it.
    /// - Throws: A `CodedError` if the file cannot be read, is damaged, or belongs to a network or a
    ///   configuration that this version does not know.
    public init(checkpoint path: String, threads: Int? = nil) throws {
        let checkpoint = try CheckpointStore.load(path)
        configuration = try RunConfiguration(yaml: checkpoint.configuration, file: path, names: .known)
        model = try LoadedModel(checkpoint, path: path, configuration)
        pool = try WorkerPool(exactly: try threads ?? ThreadChoice().count(0))
    }

    /// The confidence of each image by a score, higher for more in-distribution.
    ///
    /// - Parameters:
    ///   - images: At least one. They are resized, cropped and normalised as in the run's evaluation.
    ///   - score: A score that is not fitted on data, such as `msp`, `t2fnorm`, `ebo` or `mls`.
    /// - Returns: Shape `[images.count]`, in the same order.
    /// - Throws: A `CodedError` with a one-line description if the score is fitted on data or needs
    ///   logits that the network does not have, or if an image has the wrong size for a run without
    ///   resizing.
    public func confidences(of images: [RGBImage], by score: ScoreDefinition) throws -> [Double] {
        let needs = ScoreNeeds([score], hasValidation: false)
        guard needs.training == .nothing, !needs.members else {
            throw ConfigurationError(
                key: "score", found: score.title,
                expected: "a score that is not fitted on data; 't2fnorm score' fits on the run's sets")
        }
        try model.check(scores: [score], key: "score")
        let set = NamedSet(name: "images", source: ImageArray(images))
        let (scored, _) = try model.evaluator(configuration, LocalCommunicator(), pool)
            .score([set], by: [score])
        return scored[0].confidences[0]
    }
}

/// Images in memory, without labels.
private struct ImageArray: ImageSource {
    let images: [RGBImage]

    init(_ images: [RGBImage]) { self.images = images }

    var count: Int { images.count }

    func label(of record: Int) -> Int32 { -1 }

    func image(of record: Int) -> RGBImage { images[record] }
}
