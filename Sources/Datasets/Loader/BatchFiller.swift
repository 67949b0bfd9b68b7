internal import Memory
internal import Numerics
internal import Synchronization
internal import Workers

/// The prefetching side of a loader: fills batches on its own threads and hands them over in order.
///
/// Memory use stays constant: at most `prefetch` batches wait, recycled batches are refilled, and
/// each worker reads, decodes and transforms in a workspace that it reuses.
final class BatchFiller: Sendable {
    private let source: any ImageSource
    private let transform: any ImageTransform
    private let seed: UInt64
    private let prefetch: Int
    private let microbatchSize: Int
    /// Views of each image.
    private let views: Int
    private let queue: BoundedQueue<Result<Batch, DatasetError>>
    private let free = Mutex<[Batch]>([])
    private let workspaces = Mutex<[ImageWorkspace]>([])
    private let isStopped = Atomic<Bool>(false)

    init(
        source: any ImageSource, transform: any ImageTransform, seed: UInt64, prefetch: Int,
        microbatchSize: Int,
        views: Int
    ) {
        self.source = source
        self.transform = transform
        self.seed = seed
        self.prefetch = prefetch
        self.microbatchSize = microbatchSize
        self.views = views
        queue = BoundedQueue(capacity: prefetch)
    }

    /// Starts a thread that fills the batches of `plan` until the plan ends, a record fails or
    /// `stop` is called.
    ///
    /// - Throws: If the system cannot create a thread.
    func start(
        _ plan: some IteratorProtocol<BatchRequest> & Sendable, threads: Int
    ) throws(ThreadError) {
        try startThread(named: "batch loader", stackByteCount: 4 << 20) {
            let pool = WorkerPool(threads: threads)
            var plan = plan
            while !self.isStopped.load(ordering: .acquiring), let request = plan.next() {
                let result = self.fill(request, on: pool)
                if !self.queue.send(result) { break }
                if case .failure = result { break }
            }
            self.queue.close()
        }
    }

    /// Waits for the next batch in order and returns it; `nil` at the end.
    func receive() -> Result<Batch, DatasetError>? { queue.receive() }

    /// Returns once `prefetch` batches wait and the next one is filled, or once no batches are
    /// left.
    func waitUntilFull() { queue.waitUntilOverfull() }

    /// Takes a batch back, to refill it.
    func recycle(_ batch: Batch) {
        free.withLock { if $0.count <= prefetch { $0.append(batch) } }
    }

    /// Makes the thread end after the images it is working on; does not wait for it.
    func stop() {
        // The queue is closed first: a batch that the flag cuts short must find it closed.
        queue.close()
        isStopped.store(true, ordering: .releasing)
    }

    private func fill(_ request: BatchRequest, on pool: WorkerPool) -> Result<Batch, DatasetError> {
        let imageCount = transform.size * transform.size * 3
        let batch = free.withLock { $0.popLast() } ?? Batch()
        batch.epoch = request.epoch
        batch.step = request.step
        batch.samples = request.samples
        batch.globalSampleCount = request.globalSampleCount
        let order = SampleViews(
            imageCount: request.records.count, microbatchSize: microbatchSize, views: views)
        batch.images.resize(to: order.sampleCount * imageCount)
        var samples = (0..<order.sampleCount).map { request.records[order.place(of: $0).image] }
        if let error = write(request.epoch, order, &samples, into: &batch.images, on: pool) {
            return .failure(error)
        }
        batch.labels = samples.map { source.label(of: $0) }
        batch.records = samples.indices.compactMap { order.place(of: $0).view == 0 ? samples[$0] : nil }
        return .success(batch)
    }

    /// Overwrites `images` with the views of the samples' records, and each element of `samples`
    /// with the number of the record that was read.
    private func write(
        _ epoch: Int, _ order: SampleViews, _ samples: inout [Int], into images: inout Buffer<Float>,
        on pool: WorkerPool
    ) -> DatasetError? {
        let failure = FirstFailure()
        var pixels = images.mutableSpan
        var records = samples.mutableSpan
        let imageCount = transform.size * transform.size * 3
        pool.split(&pixels, every: imageCount, &records, every: 1) { sample, part, record in
            // Samples after a failed one are not needed, and may take just as long to fail.
            if self.isStopped.load(ordering: .acquiring) || failure.isBefore(sample) { return }
            // The colours use the odd branches.
            let stream = RandomStream(seed: self.seed, purpose: .augmentation, epoch, record[0])
                .branch(2 * order.place(of: sample).view)
            do throws(DatasetError) {
                record[0] = try self.write(record[0], stream: stream, into: &part)
            } catch {
                failure.note(error, at: sample)
            }
        }
        return failure.error
    }

    /// - Returns: The number of the record that was read.
    private func write(_ record: Int, stream: RandomStream, into pixels: inout MutableSpan<Float>)
        throws(DatasetError) -> Int
    {
        let workspace = workspaces.withLock { $0.popLast() } ?? ImageWorkspace()
        defer { workspaces.withLock { $0.append(workspace) } }
        let read = try source.load(record, into: workspace)
        do throws(DatasetError) {
            try workspace.write(transform, stream: stream, into: &pixels)
        } catch {
            var error = error
            if error.action == "transform" { error.place = "record \(record), \(error.place)" }
            throw error
        }
        return read
    }
}

/// The error of the failed sample that comes first in order, independent of which worker failed
/// first.
private final class FirstFailure: Sendable {
    private let first = Mutex<(sample: Int, error: DatasetError)?>(nil)

    var error: DatasetError? { first.withLock { $0?.error } }

    func isBefore(_ sample: Int) -> Bool { first.withLock { $0.map { $0.sample < sample } ?? false } }

    func note(_ error: DatasetError, at sample: Int) {
        first.withLock { first in
            if sample < first?.sample ?? Int.max { first = (sample, error) }
        }
    }
}
