internal import Foundation
package import RunConfiguration

extension BenchmarkDefinition {
    private static let shippedFolder = "configs/benchmarks"

    /// The definition in the file `name`, or the shipped one with this name.
    ///
    /// - Parameter isRequired: Whether the definition is needed; if not, an unknown name gives
    ///   `nil`.
    /// - Throws: For a name that is neither a file nor known; the error lists the names.
    package static func find(
        _ name: String, isRequired: Bool
    ) throws(ConfigurationError) -> BenchmarkDefinition? {
        let files = FileManager.default
        if files.fileExists(atPath: name) { return try BenchmarkDefinition(file: name) }
        let shipped = "\(shippedFolder)/\(name).yml"
        if files.fileExists(atPath: shipped) { return try BenchmarkDefinition(file: shipped) }
        guard isRequired else { return nil }
        let names = ((try? files.contentsOfDirectory(atPath: shippedFolder)) ?? [])
            .filter { $0.hasSuffix(".yml") }.map { String($0.dropLast(".yml".count)) }.sorted()
        throw ConfigurationError(
            key: "--benchmark", found: name,
            expected: names.isEmpty
                ? "a benchmark's YAML file: there is no such file, and this folder has no \(shippedFolder) with names"
                : "one of \(names.joined(separator: ", ")), or a benchmark's YAML file",
            suggestion: nearestName(to: name, among: names))
    }
}
