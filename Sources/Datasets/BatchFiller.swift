internal import Foundation
internal import Kernels
internal import Synchronization
internal import Workers

/// The side of a loader that runs ahead: fills batches on its own threads and hands them over in order.
///
/// Memory stays flat: at most `prefetch` batches wait, and recycled ones are filled again.
final class BatchFiller: Sendable {
    private let source: any ImageSource
    private let transform: any ImageTransform
    private let seed: UInt64
    private let prefetch: Int
    private let queue: BoundedQueue<Result<Batch, DatasetError>>
    private let free = Mutex<[Batch]>([])
    private let isStopped = Atomic<Bool>(false)

    init(source: any ImageSource, transform: any ImageTransform, seed: UInt64, prefetch: Int) {
        self.source = source
        self.transform = transform
        self.seed = seed
        self.prefetch = prefetch
        queue = BoundedQueue(capacity: prefetch)
    }

    /// Starts a thread that fills what `plan` asks for until it ends, a record fails or `stop` is called.
    func start(_ plan: some IteratorProtocol<BatchRequest> & Sendable, threads: Int) {
        let thread = Thread {
            let pool = WorkerPool(threads: threads)
            var plan = plan
            while !self.isStopped.load(ordering: .acquiring), let request = plan.next() {
                let result = self.fill(request, on: pool)
                if !self.queue.send(result) { break }
                if case .failure = result { break }
            }
            self.queue.close()
        }
        thread.name = "batch loader"
        thread.stackSize = 4 << 20
        thread.start()
    }

    /// The next batch in order; waits for it. `nil` at the end.
    func receive() -> Result<Batch, DatasetError>? { queue.receive() }

    /// Takes a batch back, to fill it again.
    func recycle(_ batch: Batch) {
        free.withLock { if $0.count <= prefetch { $0.append(batch) } }
    }

    /// Ends the thread after the images at hand; does not wait for it.
    func stop() {
        // In this order: a batch cut short by the flag must find the queue closed.
        queue.close()
        isStopped.store(true, ordering: .releasing)
    }

    private func fill(_ request: BatchRequest, on pool: WorkerPool) -> Result<Batch, DatasetError> {
        let batch = free.withLock { $0.popLast() } ?? Batch()
        batch.epoch = request.epoch
        batch.step = request.step
        batch.samples = request.samples
        batch.globalSampleCount = request.globalSampleCount
        batch.records = request.records
        batch.labels = request.records.map { source.label(of: $0) }

        let imageCount = transform.size * transform.size * 3
        if batch.images.count != request.records.count * imageCount {
            batch.images = Buffer(zeros: request.records.count * imageCount)
        }
        if let error = write(request, every: imageCount, into: &batch.images, on: pool) {
            return .failure(error)
        }
        return .success(batch)
    }

    private func write(
        _ request: BatchRequest, every imageCount: Int, into images: inout Buffer<Float>, on pool: WorkerPool
    ) -> DatasetError? {
        let failure = FirstFailure()
        var pixels = images.mutableSpan
        pool.split(&pixels, every: imageCount) { sample, part in
            if self.isStopped.load(ordering: .acquiring) { return }
            let record = request.records[sample]
            let stream = RandomStream(seed: self.seed, purpose: .augmentation, request.epoch, record)
            do throws(DatasetError) {
                try self.write(record, stream: stream, into: &part)
            } catch {
                failure.note(error, at: sample)
            }
        }
        return failure.error
    }

    private func write(_ record: Int, stream: RandomStream, into pixels: inout MutableSpan<Float>)
        throws(DatasetError)
    {
        let image = try source.image(of: record)
        do throws(DatasetError) {
            try transform.write(image, stream: stream, into: &pixels)
        } catch {
            var error = error
            error.place = "record \(record), \(error.place)"
            throw error
        }
    }
}

/// The error of the first sample in order that failed, whichever worker met its own first.
private final class FirstFailure: Sendable {
    private let first = Mutex<(sample: Int, error: DatasetError)?>(nil)

    var error: DatasetError? { first.withLock { $0?.error } }

    func note(_ error: DatasetError, at sample: Int) {
        first.withLock { first in
            if sample < first?.sample ?? Int.max { first = (sample, error) }
        }
    }
}
