internal import Foundation
internal import Workers

/// Packs a source of labelled images into a dataset folder, in one process or in several that see
/// the same files.
///
/// The dataset is written to `<destination>.partial` and renamed when it is complete. If packing is
/// interrupted or fails, finished shards stay there, and the same request resumes with those that
/// are still intact. The bytes of the shards do not depend on the number of processes and threads,
/// or on interruptions.
package struct Packer {
    /// The progress of packing.
    package struct Progress: Sendable {
        /// Records read so far by all processes, including those of finished shards.
        package var done: Int
        /// Of these, the records of shards that an earlier run finished.
        package var resumed: Int
        /// Records in total, if the source knows their number.
        package var total: Int?
        /// The fraction read, from 0 to 1; `nil` if unknown.
        package var fraction: Double?
    }

    /// The state that process 0 found or created at the start.
    private struct Beginning: Codable {
        var plan: PackingPlan
        var parts: [Int]
        var isCommitted = false
    }

    private let name: String
    private let options: PackingOptions
    private let folder: PackingFolder
    private let crew: any PackingCrew
    private let pool: WorkerPool
    private var reader: RecordReader

    /// - Parameters:
    ///   - name: The dataset's name, for tables.
    ///   - destination: The dataset's folder; its missing parents are created.
    ///   - crew: The processes that pack together, each with the same source, name, destination and
    ///     options.
    package init(
        source: any RecordSource, name: String, destination: String,
        options: PackingOptions = PackingOptions(), crew: any PackingCrew = PackingAlone()
    ) {
        precondition(
            options.recordsPerShard ?? 1 >= 1 && options.bytesPerShard >= 1,
            "shards of \(options.recordsPerShard ?? 1) records, \(options.bytesPerShard) bytes, expected at least 1"
        )
        precondition((1...100).contains(options.quality), "quality is \(options.quality), expected 1 to 100")
        self.name = name
        self.options = options
        self.crew = crew
        folder = PackingFolder(destination)
        pool = WorkerPool(threads: options.threads)
        reader = RecordReader(source, options)
    }

    /// Packs all records.
    ///
    /// Images that are left out, misnamed or duplicates of an earlier one are listed in
    /// `report.csv`.
    ///
    /// - Parameter progress: Called in every process; the counts are those of all processes
    ///   together.
    /// - Returns: The manifest as written, in every process.
    /// - Throws: If the destination exists, an interrupted run had other options, an image is
    ///   missing or damaged and its policy is `stop`, an image has another size, a label is out of
    ///   range, no image is left, or the disk cannot be written; the same error in every process.
    ///   Only finished shards are then left behind.
    package mutating func run(
        progress: (Progress) -> Void = { _ in }
    ) throws(DatasetError) -> Manifest {
        let request = PackingRequest(reader.source, name: name, options)
        let hashes = crew.gather([Int64(bitPattern: request.hash)])
        if let other = hashes.firstIndex(where: { $0 != hashes[0] }) {
            throw DatasetError(
                action: "pack", place: reader.source.origin,
                reason: "process \(other) sees different files than process 0",
                remedy: "let all hosts see the same files under the same path")
        }
        var lock: PackingLock?
        let begun = try crew.together { () throws(DatasetError) -> Beginning? in
            if let failure = pool.failure { throw DatasetError(failure, place: reader.source.origin) }
            return crew.rank == 0 ? try begin(request, &lock) : nil
        }
        defer { withExtendedLifetime(lock) {} }
        let beginning = try crew.share(begun)
        guard !beginning.isCommitted else {
            let manifest = try crew.together { () throws(DatasetError) -> Manifest? in
                guard crew.rank == 0 else { return nil }
                folder.discard()
                return try Manifest(folder: folder.destination)
            }
            return try crew.share(manifest)
        }
        do {
            return try pack(beginning, progress)
        } catch {
            throw abandon(after: error)
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
            try SharedProgressFile.create(folder.board, size: crew.size)
            return Beginning(plan: state.plan, parts: try folder.partNumbers(), isCommitted: isCommitted)
        }
        do {
            let plan = PackingPlan(sample: try reader.sample(), options)
            try folder.begin(PackingFolder.State(request: request, plan: plan))
            try SharedProgressFile.create(folder.board, size: crew.size)
            return Beginning(plan: plan, parts: [])
        } catch {
            folder.discard()
            throw error
        }
    }

    private mutating func pack(
        _ beginning: Beginning, _ progress: (Progress) -> Void
    ) throws(DatasetError) -> Manifest {
        let plan = beginning.plan
        let found = try crew.together { () throws(DatasetError) in try intactParts(beginning.parts) }
        let values = crew.gather(found.flatMap { [Int64($0.number), Int64($0.readCount)] })
        let resumed = stride(from: 0, to: values.count, by: 2)
            .reduce(into: [:]) { $0[Int(values[$1])] = Int(values[$1 + 1]) }
        let shardCount = try crew.together { () throws(DatasetError) in
            let board = try SharedProgressFile(folder.board, rank: crew.rank, size: crew.size)
            var packing = ShardPacking(
                plan: plan, options: options, folder: folder, crew: crew, pool: pool, board: board,
                resumed: resumed, reader: reader)
            do throws(DatasetError) {
                return try packing.run(progress)
            } catch {
                board.fail()
                throw error
            }
        }
        let manifest = try crew.together { () throws(DatasetError) -> Manifest? in
            guard crew.rank == 0 else { return nil }
            let merge = try PartsMerge(folder, plan, shardCount: shardCount, reader.source)
            return try merge.finish(name: name, source: reader.source, options)
        }
        return try crew.share(manifest)
    }

    /// This process's share of the finished shards, with the number of records read for each;
    /// shards that are damaged, or must be packed again, are left out.
    private func intactParts(_ numbers: [Int]) throws(DatasetError) -> [(number: Int, readCount: Int)] {
        let own = numbers.filter { $0 % crew.size == crew.rank }
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

    /// Removes the working folder if it has no finished shards; otherwise the returned error says
    /// that they are kept.
    private func abandon(after error: DatasetError) -> DatasetError {
        var error = error
        let isWorthless =
            crew.broadcast(crew.rank == 0 && !folder.hasShards ? [1] : [0], from: 0) == [1]
        if isWorthless {
            if crew.rank == 0 { folder.discard() }
        } else {
            let kept = "finished shards are kept in \(folder.work), the same command goes on from there"
            error.remedy = error.remedy.map { "\($0); \(kept)" } ?? kept
        }
        return error
    }
}
