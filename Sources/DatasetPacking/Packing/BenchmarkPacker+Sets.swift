package import Datasets

extension BenchmarkPacker {
    /// The benchmark's sets with these names; all except optional ones if there are none.
    ///
    /// - Throws: If the benchmark has no set of a name.
    package func sets(named names: [String]) throws(SourceOptionError) -> [OpenOODBenchmark.ImageSet] {
        let known = benchmark.sets.map(\.name)
        if let unknown = names.first(where: { !known.contains($0) }) {
            throw SourceOptionError(
                "\(benchmark.name) has no set '\(unknown)'; it has \(known.joined(separator: ", "))")
        }
        return benchmark.sets.filter { names.isEmpty ? $0.isOptional != true : names.contains($0.name) }
    }

    /// The error of a benchmark that is not packed as a whole; `nil` if it is.
    ///
    /// - Parameters:
    ///   - outcomes: The outcome of each set, with the set's name.
    ///   - allowsMissing: Whether sets may be missing or short.
    package func incompleteness(
        of outcomes: [(set: String, outcome: Outcome)], allowsMissing: Bool
    ) -> DatasetError? {
        let absent = outcomes.filter { [.missing, .short].contains($0.outcome.state) }.map(\.set)
        let failed = outcomes.filter { $0.outcome.state == .failed }.map(\.set)
        guard !failed.isEmpty || (!absent.isEmpty && !allowsMissing) else { return nil }
        let parts = [("missing or short", absent), ("failed", failed)].filter { !$0.1.isEmpty }
        return DatasetError(
            action: "pack all of \(benchmark.name)", place: root,
            reason: "of \(outcomes.count) sets, "
                + parts.map { "\($0.1.joined(separator: ", ")): \($0.0)" }.joined(separator: "; "),
            remedy: failed.isEmpty
                ? "complete the images and run again, or accept the incomplete sets with --allow-missing"
                : "see the table; the other sets are packed")
    }
}
