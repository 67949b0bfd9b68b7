internal import Foundation

/// A benchmark's sets and their paths in OpenOOD's data root; read from JSON, so that a new
/// benchmark needs no new code.
///
/// Zhang et al.: "OpenOOD v1.5: Enhanced Benchmark for Out-of-Distribution Detection", 2023, arXiv
/// 2306.09301.
package struct OpenOODBenchmark: Codable, Equatable, Sendable {
    /// The purpose of a set.
    package enum Role: String, Codable, Sendable, CaseIterable {
        case train, validation, test
        /// Out of distribution, for the choice of a score's parameters.
        case oodValidation
        case near, far
        /// In distribution, with covariate shift.
        case csid

        /// Whether the set is out of distribution, with all labels −1.
        package var isOutOfDistribution: Bool { self == .oodValidation || self == .near || self == .far }
    }

    package struct ImageSet: Codable, Equatable, Sendable {
        /// The set's name in tables, and the name of its dataset's folder.
        package var name: String
        package var role: Role
        /// Path of the image list, relative to `benchmark_imglist`.
        package var list: String
        /// Folder that the paths in the list are relative to; itself relative to the data root.
        package var images: String
        /// Number of images; `nil` if the definition does not say.
        package var count: Int?
        /// `ImageList.hash` of the published list; `nil` if it is not known.
        package var hash: String?
        /// Whether the set is packed only if it is asked for by name.
        package var isOptional: Bool?
    }

    package var name: String
    package var version: String
    package var classCount: Int
    /// Class names in the order of labels; `nil` if the definition does not say.
    package var classNames: [String]?
    package var sets: [ImageSet]

    /// The benchmarks that are built in.
    package static let names = ["cifar10", "cifar100", "imagenet200", "imagenet1k"]

    /// Takes a built-in benchmark, or reads a definition.
    ///
    /// - Parameter name: A name among `names`, or the path of a JSON file like those in
    ///   `Sources/Datasets/Benchmarks`.
    /// - Throws: If there is no such benchmark or file, or the file is not a valid definition.
    package init(_ name: String) throws(DatasetError) {
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
                reason: "two sets have the same name, or a name is not a valid folder name")
        }
        guard (1...Manifest.largestClassCount).contains(classCount),
            sets.allSatisfy({ $0.count ?? 1 >= 1 })
        else {
            throw DatasetError(
                action: "read benchmark", place: path,
                reason: "classCount is \(classCount), or a set's count is below 1")
        }
        guard classNames?.count ?? classCount == classCount else {
            throw DatasetError(
                action: "read benchmark", place: path,
                reason: "classNames has \(classNames?.count ?? 0) names, classCount is \(classCount)")
        }
    }
}
