package import Cluster
package import Datasets
internal import Foundation
internal import Workers

/// Packs a source of labelled images into a dataset folder, on all ranks of a job, which see the
/// same files.
///
/// The dataset is written to `<destination>.partial` and renamed when it is complete. If packing is
/// interrupted or fails, finished shards stay there, and the same request resumes with those that
/// are still intact. The bytes of the shards do not depend on the number of ranks and threads, or on
/// interruptions.
package struct Packer {
    /// The progress of packing.
    package struct Progress: Sendable {
        /// Records read so far by all ranks, including those of finished shards.
        package var done: Int
        /// Of these, the records of shards that an earlier run finished.
        package var resumed: Int
        /// Records in total, if the source knows their number.
        package var total: Int?
        /// The fraction read, from 0 to 1; `nil` if unknown.
        package var fraction: Double?
    }

    /// The state that rank 0 found or created at the start.
    private struct Beginning: Codable {
        var plan: PackingPlan
        var parts: [Int]
        var isCommitted = false
    }

    private let name: String
    private let options: PackingOptions
    private let folder: PackingFolder
    private let communicator: any Communicator
    private let pool: WorkerPool
    private var reader: RecordReader

    /// - Parameters:
    ///   - name: The dataset's name, for tables.
    ///   - destination: The dataset's folder; its missing parents are created.
    ///   - communicator: The ranks that pack together, each with the same source, name, destination
    ///     and options.
    package init(
        source: any RecordSource, name: String, destination: String,
        options: PackingOptions = PackingOptions(),
        communicator: any Communicator = LocalCommunicator()
    ) {
        precondition(
            options.recordsPerShard ?? 1 >= 1 && options.bytesPerShard >= 1,
            "shards of \(options.recordsPerShard ?? 1) records, \(options.bytesPerShard) bytes, expected at least 1"
        )
        precondition((1...100).contains(options.quality), "quality is \(options.quality), expected 1 to 100")
        self.name = name
        self.options = options
        self.communicator = communicator
        folder = PackingFolder(destination)
        pool = WorkerPool(threads: options.threads)
        reader = RecordReader(source, options)
    }

    /// Packs all records; collective.
    ///
    /// Images that are left out, misnamed or duplicates of an earlier one are listed in
    /// `report.csv`.
    ///
    /// - Parameter progress: Called on every rank; the counts are those of all ranks together.
    /// - Returns: The manifest as written, on every rank.
    /// - Throws: `JobFailure`, the same on every rank, if the destination exists, an interrupted run
    ///   had other options, an image is missing or damaged and its policy is `stop`, an image has
    ///   another size, a label is out of range, no image is left, or the disk cannot be written;
    ///   only finished shards are then left behind. `MPIError` if the ranks cannot agree.
    package mutating func run(progress: (Progress) -> Void = { _ in }) throws -> Manifest {
        let request = PackingRequest(reader.source, name: name, options)
        let other = try communicator.firstRankThatDiffers(in: "\(request.hash)")
        try communicator.together {
            if let other {
                throw DatasetError(
                    action: "pack", place: reader.source.origin,
                    reason: "process \(other) sees different files than process 0",
                    remedy: "let all hosts see the same files under the same path")
            }
            if let failure = pool.failure { throw DatasetError(failure, place: reader.source.origin) }
        }
        var lock: PackingLock?
        let beginning = try communicator.valueOfRankZero { try begin(request, &lock) }
        defer { withExtendedLifetime(lock) {} }
        guard !beginning.isCommitted else {
            return try communicator.valueOfRankZero {
                folder.discard()
                return try Manifest(folder: folder.destination)
            }
        }
        do {
            return try pack(beginning, progress)
        } catch let failure as JobFailure {
            throw try abandon(after: failure)
        }
    }

    /// Locks the working folder, and returns the plan of an interrupted run or a new one.
    private mutating func begin(
        _ request: PackingRequest, _ lock: inout PackingLock?
    ) throws(DatasetError) -> Beginning {
        let isTaken = try folder.destinationIsDataset()
        let isCommitted = try folder.isCommitted ? try folder.readState()?.request == request : false
        guard !isTaken || isCommitted || options.overwrite else {
            folder.removeStagingFiles()
            throw DatasetError(
                action: "create dataset", place: folder.destination, reason: "there is a dataset already",
                remedy: "give another folder, or --overwrite")
        }
        try folder.createWork()
        lock = try PackingLock(folder.lock)
        if let state = try folder.readState(), !options.restart,
            try isCommitted ? true : !folder.isCommitted
        {
            let differences = request.differences(from: state.request)
            guard differences.isEmpty else {
                throw DatasetError(
                    action: "resume an interrupted run", place: folder.work,
                    reason: differences.joined(separator: "; "),
                    remedy: "give the same options, or --restart to start over")
            }
            try SharedProgressFile.create(folder.progressFile, size: communicator.worldSize)
            return Beginning(plan: state.plan, parts: try folder.partNumbers(), isCommitted: isCommitted)
        }
        do {
            let plan = PackingPlan(sample: try reader.sample(), options)
            try folder.begin(PackingFolder.State(request: request, plan: plan))
            try SharedProgressFile.create(folder.progressFile, size: communicator.worldSize)
            return Beginning(plan: plan, parts: [])
        } catch {
            folder.discard()
            throw error
        }
    }

    private mutating func pack(
        _ beginning: Beginning, _ progress: (Progress) -> Void
    ) throws -> Manifest {
        let plan = beginning.plan
        let intact = try communicator.together { intactParts(beginning.parts) }
        let own = intact.flatMap { [Int64($0.number), Int64($0.readCount)] }
        let values = try communicator.allGather(own.span)
        let resumed = stride(from: 0, to: values.count, by: 2)
            .reduce(into: [:]) { $0[Int(values[$1])] = Int(values[$1 + 1]) }
        let shardCount = try communicator.together {
            let progressFile = try SharedProgressFile(
                folder.progressFile, rank: communicator.rank, size: communicator.worldSize)
            var packing = ShardPacking(
                plan: plan, options: options, folder: folder, communicator: communicator, pool: pool,
                progressFile: progressFile, resumed: resumed, reader: reader)
            do {
                return try packing.run(progress)
            } catch {
                progressFile.fail()
                throw error
            }
        }
        return try communicator.valueOfRankZero {
            let merge = try PartsMerge(folder, plan, shardCount: shardCount, reader.source)
            return try merge.finish(name: name, source: reader.source, options)
        }
    }

    /// This rank's part of the finished shards, with the number of records read for each;
    /// shards that are damaged, or must be packed again, are left out.
    private func intactParts(_ numbers: [Int]) -> [(number: Int, readCount: Int)] {
        let own = numbers.filter { $0 % communicator.worldSize == communicator.rank }
        var counts = [Int](repeating: -1, count: own.count)
        var span = counts.mutableSpan
        let (folder, options) = (folder, options)
        pool.split(&span, every: 1) { index, count in
            guard let part = try? folder.readPart(own[index]) else { return }
            let hasStopper = part.entries.contains { entry in
                (entry.kind == .damaged && options.onBad == .stop)
                    || (entry.kind == .missing && options.onMissing == .stop)
            }
            if hasStopper { return }
            if let shard = part.shard, (try? checkBytes(of: shard, in: folder.dataset)) == nil { return }
            count[0] = part.readCount
        }
        return zip(own, counts).filter { $0.1 >= 0 }.map { ($0, $1) }
    }

    /// Removes the working folder if it has no finished shards; otherwise the returned failure says
    /// that they are kept.
    private func abandon(after failure: JobFailure) throws(MPIError) -> JobFailure {
        let hasShards = try communicator.anyRank(communicator.rank == 0 && folder.hasShards)
        guard hasShards else {
            if communicator.rank == 0 { folder.discard() }
            return failure
        }
        let kept = "finished shards are kept in \(folder.work), the same command goes on from there"
        return JobFailure(
            rank: failure.rank, exitCode: failure.exitCode, message: "\(failure.message); \(kept)")
    }
}
