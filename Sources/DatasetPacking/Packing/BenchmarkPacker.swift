package import Cluster
package import Datasets
internal import Foundation

/// Packs the sets of a benchmark from OpenOOD's data folder, each into its own dataset.
package struct BenchmarkPacker {
    /// The outcome of packing a set.
    package struct Outcome: Equatable, Codable, Sendable {
        package enum State: String, Codable, Sendable {
            case packed
            /// The same dataset exists already.
            case kept = "there already"
            /// Packed or kept, with fewer images than the benchmark has.
            case short
            /// The list is missing, or all of its images are.
            case missing
            /// The images or the disk caused an error.
            case failed
        }

        package var state: State
        /// Images in the dataset.
        package var count: Int
        /// What the user should know or do; empty if nothing.
        package var remark: String
    }

    package let benchmark: OpenOODBenchmark
    /// The folder with `benchmark_imglist`.
    package let root: String
    private let destination: String
    private let options: PackingOptions
    private let communicator: any Communicator

    /// - Parameters:
    ///   - root: OpenOOD's folder `data`, or the one above it.
    ///   - destination: The folder for the datasets, each under its set's name.
    ///   - communicator: The ranks that pack together, each with the same arguments.
    ///   - options: The labels, classes and benchmark split are filled in here; a limit applies to
    ///     each set.
    /// - Throws: If there is no folder `benchmark_imglist`.
    package init(
        _ benchmark: OpenOODBenchmark, root: String, destination: String, options: PackingOptions,
        communicator: any Communicator = LocalCommunicator()
    ) throws(DatasetError) {
        guard let found = [root, "\(root)/data"].first(where: { isThere("\($0)/\(listFolder)") }) else {
            throw DatasetError(
                action: "open OpenOOD's data", place: root, reason: "there is no folder \(listFolder)",
                remedy: "give the folder that holds \(listFolder), images_classic and images_largescale")
        }
        self.benchmark = benchmark
        self.root = found
        self.destination = destination
        self.options = options
        self.communicator = communicator
    }

    /// Packs one set; a failure becomes its outcome. Collective.
    ///
    /// Images that the list names but that do not exist are left out, counted and listed in the
    /// dataset's `report.csv`; the outcome is then `short`. An existing dataset of the same list is
    /// kept; if images are missing from it, the outcome is `short`, too.
    ///
    /// - Throws: `MPIError` if the ranks cannot agree.
    package func pack(
        _ set: OpenOODBenchmark.ImageSet, progress: (Packer.Progress) -> Void = { _ in }
    ) throws -> Outcome {
        do {
            return try packed(set, progress)
        } catch let failure as JobFailure {
            return Outcome(state: .failed, count: 0, remark: failure.message)
        }
    }

    private func packed(
        _ set: OpenOODBenchmark.ImageSet, _ progress: (Packer.Progress) -> Void
    ) throws -> Outcome {
        let (found, request) = try communicator.together { try prepare(set) }
        let decision = try communicator.valueOfRankZero { Decision(outcome: found) }
        if let outcome = decision.outcome { return outcome }
        let packing = try communicator.together {
            guard let request else {
                throw DatasetError(
                    action: "pack \(set.name)", place: root,
                    reason: "process \(communicator.rank) does not see the images")
            }
            return request
        }
        var packer = Packer(
            source: packing.list, name: set.name, destination: "\(destination)/\(set.name)",
            options: packing.options, communicator: communicator)
        return outcome(.packed, try packer.run(progress: progress), set)
    }

    /// The decision of rank 0 for all ranks.
    private struct Decision: Codable {
        /// `nil` to pack the set.
        var outcome: Outcome?
    }

    /// The outcome of a set that is not packed now, or the list and options to pack.
    private func prepare(
        _ set: OpenOODBenchmark.ImageSet
    ) throws(DatasetError) -> (Outcome?, (list: ImageList, options: PackingOptions)?) {
        let path = "\(root)/\(listFolder)/\(set.list)"
        let folder = "\(root)/\(set.images)"
        guard isThere(path) else { return (missing("no list \(path)"), nil) }
        guard isThere(folder) else { return (missing("no folder \(folder)"), nil) }
        let names = set.role.isOutOfDistribution ? [] : benchmark.classNames ?? []
        let list = try ImageList(path, images: Folder(folder), classNames: names)
        let absent = list.missingCount
        guard absent < list.recordCount else {
            return (missing("none of \(list.recordCount) images in \(folder)"), nil)
        }

        var options = options
        options.onMissing = .skip
        options.outOfDistribution = set.role.isOutOfDistribution
        options.classCount = set.role.isOutOfDistribution ? nil : benchmark.classCount
        options.benchmark = BenchmarkSplit(
            of: benchmark, set, listHash: list.hash, listedCount: list.recordCount)
        let dataset = "\(destination)/\(set.name)"
        if !options.overwrite, isThere("\(dataset)/\(Manifest.fileName)") {
            if communicator.rank == 0 { PackingFolder(dataset).removeStagingFiles() }
            let present = list.recordCount - absent
            return (kept(try Manifest(folder: dataset), set, options, present: present), nil)
        }
        return (nil, (list, options))
    }

    private func kept(
        _ manifest: Manifest, _ set: OpenOODBenchmark.ImageSet, _ options: PackingOptions, present: Int
    ) -> Outcome {
        guard manifest.benchmark == options.benchmark else {
            return Outcome(
                state: .failed, count: 0,
                remark: "another dataset is at \(destination)/\(set.name); --overwrite replaces it")
        }
        var outcome = outcome(.kept, manifest, set)
        if manifest.count < min(present, options.limit ?? .max) {
            outcome.state = .short
            outcome.remark =
                "packed with \(manifest.count) of \(present) images that are there; --overwrite packs it again"
        }
        return outcome
    }

    private func outcome(
        _ state: Outcome.State, _ manifest: Manifest, _ set: OpenOODBenchmark.ImageSet
    ) -> Outcome {
        var remarks: [String] = []
        if let hash = set.hash, hash != manifest.benchmark?.listHash {
            remarks.append("the list is not that of \(benchmark.version)")
        }
        let listed = manifest.benchmark?.listedCount ?? manifest.count
        let expected = min(max(set.count ?? listed, listed), options.limit ?? .max)
        if let count = set.count, listed != count { remarks.append("the list names \(listed) images") }
        let isShort = manifest.count < expected
        if isShort { remarks.append("\(expected - manifest.count) images are missing or damaged") }
        return Outcome(
            state: isShort ? .short : state, count: manifest.count, remark: remarks.joined(separator: "; "))
    }

    private func missing(_ remark: String) -> Outcome { Outcome(state: .missing, count: 0, remark: remark) }
}

private let listFolder = "benchmark_imglist"

private func isThere(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }
