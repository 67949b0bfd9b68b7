internal import Foundation

/// A benchmark's sets and where they lie in OpenOOD's data root; read from JSON, so that a new one needs no program.
///
/// Zhang et al.: "OpenOOD v1.5: Enhanced Benchmark for Out-of-Distribution Detection", 2023, arXiv 2306.09301.
public struct OpenOODBenchmark: Codable, Equatable, Sendable {
    /// What a set is for.
    public enum Role: String, Codable, Sendable, CaseIterable {
        case train, validation, test
        /// Out of distribution, for choosing a score's parameters.
        case oodValidation
        case near, far
        /// In distribution, with images of another kind (covariate shift).
        case csid

        /// Whether the labels are −1.
        public var isOutOfDistribution: Bool { self == .oodValidation || self == .near || self == .far }
    }

    public struct ImageSet: Codable, Equatable, Sendable {
        /// The set's name in tables, and its dataset's folder.
        public var name: String
        public var role: Role
        /// The image list, below `benchmark_imglist`.
        public var list: String
        /// The folder that the list's paths are relative to, below the data root.
        public var images: String
        /// `nil` where the definition does not say.
        public var count: Int?
        /// `ImageList.hash` of the published list; `nil` if it is not known.
        public var hash: String?
        /// Whether the set is packed only if it is asked for by name.
        public var isOptional: Bool?
    }

    public var name: String
    public var version: String
    public var classCount: Int
    /// In the order of labels; `nil` where the definition does not say.
    public var classNames: [String]?
    public var sets: [ImageSet]

    /// The benchmarks that are built in.
    public static let names = ["cifar10", "cifar100", "imagenet200", "imagenet1k"]

    /// Takes a built-in benchmark, or reads a definition.
    ///
    /// - Parameter name: A name among `names`, or the path of a JSON file like those in `Sources/Datasets/Benchmarks`.
    /// - Throws: If there is no such benchmark or file, or it is no definition.
    public init(_ name: String) throws(DatasetError) {
        let bytes: [UInt8]
        switch name {
        case "cifar10": bytes = PackageResources.cifar10_json
        case "cifar100": bytes = PackageResources.cifar100_json
        case "imagenet200": bytes = PackageResources.imagenet200_json
        case "imagenet1k": bytes = PackageResources.imagenet1k_json
        default:
            guard name.hasSuffix(".json") else {
                throw DatasetError(
                    action: "find benchmark", place: name, reason: "there is no such benchmark",
                    remedy: "give one of \(Self.names.joined(separator: ", ")), or a .json file")
            }
            bytes = try ReadableFile.contents(of: name, atMost: 64 << 20)
        }
        try self.init(json: bytes, path: name)
    }

    private init(json: [UInt8], path: String) throws(DatasetError) {
        do {
            self = try JSONDecoder().decode(OpenOODBenchmark.self, from: Data(json))
        } catch {
            throw DatasetError(action: "read benchmark", place: path, reason: jsonReason(error))
        }
        let names = Set(sets.map(\.name))
        guard names.count == sets.count,
            names.allSatisfy({ Manifest.isFileName($0) && !$0.hasPrefix(".") })
        else {
            throw DatasetError(
                action: "read benchmark", place: path,
                reason: "two sets have one name, or a name is no folder's")
        }
        guard (1...Manifest.largestClassCount).contains(classCount),
            sets.allSatisfy({ $0.count ?? 1 >= 1 })
        else {
            throw DatasetError(
                action: "read benchmark", place: path,
                reason: "classCount is \(classCount), or a set's count below 1")
        }
        guard classNames?.count ?? classCount == classCount else {
            throw DatasetError(
                action: "read benchmark", place: path,
                reason: "classNames has \(classNames?.count ?? 0) names, classCount is \(classCount)")
        }
    }
}
