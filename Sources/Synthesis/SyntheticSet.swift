package import Datasets

/// One set of the embedded benchmark, drawn on demand.
package struct SyntheticSet: ImageSource {
    /// The sets of the benchmark.
    package enum Name: String, CaseIterable, Sendable {
        case train, validation, test
        /// Objects that belong to no class, in the style of the classes.
        case nearShapes = "near-shapes"
        case farTextures = "far-textures"
        case farNoise = "far-noise"

        /// Whether the set's images belong to the classes.
        package var isInDistribution: Bool {
            switch self {
            case .train, .validation, .test: true
            case .nearShapes, .farTextures, .farNoise: false
            }
        }

        /// The default number of records in the set.
        package var defaultCount: Int {
            switch self {
            case .train: 8000
            case .validation, .farTextures, .farNoise: 1000
            case .test, .nearShapes: 2000
            }
        }

        /// The key of the set's random numbers.
        var streamNumber: Int {
            switch self {
            case .train: 0
            case .validation: 1
            case .test: 2
            case .nearShapes: 3
            case .farTextures: 4
            case .farNoise: 5
            }
        }
    }

    package let setName: Name
    package let count: Int
    private let synthesizer: Synthesizer

    /// - Parameters:
    ///   - count: Records; `setName.defaultCount` by default. A smaller set holds the first records
    ///     of a larger one.
    package init(_ setName: Name, seed: UInt64, count: Int? = nil) {
        let count = count ?? setName.defaultCount
        precondition(count >= 1, "count is \(count), expected at least 1")
        self.setName = setName
        self.count = count
        synthesizer = Synthesizer(seed: seed)
    }

    /// The set's name as it is packed, such as `near-shapes`.
    package var name: String { setName.rawValue }

    /// The set's description, for a dataset's manifest.
    package var origin: String { "\(name), drawn from seed \(synthesizer.seed)" }

    /// The class names in label order; none if the images belong to no class.
    package var classNames: [String] {
        setName.isInDistribution ? SyntheticShape.allCases.map(\.rawValue) : []
    }

    /// The content of `record`; the classes alternate.
    package func subject(of record: Int) -> Synthesizer.Subject {
        precondition((0..<count).contains(record), "record \(record) of \(count)")
        switch setName {
        case .train, .validation, .test:
            return .shape(SyntheticShape.allCases[record % SyntheticShape.allCases.count])
        case .nearShapes: return .unseenShape(UnseenShape.allCases[record % UnseenShape.allCases.count])
        case .farTextures: return .texture
        case .farNoise: return .noise
        }
    }

    package func label(of record: Int) -> Int32 {
        setName.isInDistribution ? Int32(record % SyntheticShape.allCases.count) : -1
    }

    package func image(of record: Int) -> RGBImage {
        synthesizer.image(of: subject(of: record), in: setName, index: record)
    }
}
