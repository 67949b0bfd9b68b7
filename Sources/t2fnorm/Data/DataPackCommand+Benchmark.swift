import ArgumentParser
import Cluster
import DatasetPacking
import Datasets
import Evaluation
import Reporting

extension DataPackCommand {
    /// Packs the sets of a benchmark, prints the outcome of each, and throws at the end if a set is
    /// missing or incomplete.
    func packBenchmark(
        root: String, named name: String, _ options: PackingOptions, _ communicator: any Communicator
    ) throws {
        let packer = try communicator.together {
            try BenchmarkPacker(
                OpenOODBenchmark(name), root: root, destination: output, options: options,
                communicator: communicator)
        }
        let benchmark = packer.benchmark
        let known = Set(benchmark.sets.map(\.name))
        if let unknown = sets.first(where: { !known.contains($0) }) {
            throw ValidationError(
                "\(benchmark.name) has no set '\(unknown)'; it has \(benchmark.sets.map(\.name).joined(separator: ", "))"
            )
        }
        let chosen = benchmark.sets.filter {
            sets.isEmpty ? $0.isOptional != true : sets.contains($0.name)
        }
        var rows: [Table.Row] = []
        var remarks: [String] = []
        var absent: [String] = []
        var failed: [String] = []
        for set in chosen {
            var display = communicator.rank == 0 ? PackingDisplay(set.name) : nil
            let outcome = try packer.pack(set) { display?.update($0) }
            display?.line.printLine("\(set.name): \(outcome.state.rawValue), \(outcome.count) images")
            switch outcome.state {
            case .missing, .short: absent.append(set.name)
            case .failed: failed.append(set.name)
            case .packed, .kept: break
            }
            if !outcome.remark.isEmpty { remarks.append("\(set.name): \(outcome.remark)") }
            rows.append(
                Table.Row([
                    set.name, set.role.rawValue, "\(outcome.count)", set.count.map { "\($0)" } ?? "",
                    outcome.state.rawValue,
                ]))
        }
        if communicator.rank == 0 {
            print()
            print(Table(columns: ["set", "role", "images", "expected", "state"], rows: rows))
            for remark in remarks { printLine(remark) }
        }
        try checkCompleteness(benchmark, of: chosen.count, absent: absent, failed: failed, root: packer.root)
    }

    private func checkCompleteness(
        _ benchmark: OpenOODBenchmark, of count: Int, absent: [String], failed: [String], root: String
    ) throws {
        guard !failed.isEmpty || (!absent.isEmpty && !allowMissing) else { return }
        let parts = [("missing or short", absent), ("failed", failed)].filter { !$0.1.isEmpty }
        throw DatasetError(
            action: "pack all of \(benchmark.name)", place: root,
            reason: "of \(count) sets, "
                + parts.map { "\($0.1.joined(separator: ", ")): \($0.0)" }.joined(separator: "; "),
            remedy: failed.isEmpty
                ? "complete the images and run again, or accept the incomplete sets with --allow-missing"
                : "see the table; the other sets are packed")
    }
}
