import ArgumentParser
import Cluster
import DatasetPacking
import Datasets
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
        var outcomes: [(set: String, outcome: BenchmarkPacker.Outcome)] = []
        var rows: [Table.Row] = []
        for set in try packer.sets(named: sets) {
            var display = communicator.rank == 0 ? PackingDisplay(set.name) : nil
            let outcome = try packer.pack(set) { display?.update($0) }
            display?.line.printLine("\(set.name): \(outcome.state.rawValue), \(outcome.count) images")
            outcomes.append((set.name, outcome))
            rows.append(
                Table.Row([
                    set.name, set.role.rawValue, "\(outcome.count)", set.count.map { "\($0)" } ?? "",
                    outcome.state.rawValue,
                ]))
        }
        if communicator.rank == 0 {
            print()
            print(Table(columns: ["set", "role", "images", "expected", "state"], rows: rows))
            for (set, outcome) in outcomes where !outcome.remark.isEmpty {
                printLine("\(set): \(outcome.remark)")
            }
        }
        if let error = packer.incompleteness(of: outcomes, allowsMissing: allowMissing) { throw error }
    }
}
