internal import Memory
internal import Synchronization

/// A fixed pool of threads that runs one parallel loop at a time.
///
/// The caller is worker 0; `threads - 1` further threads live as long as the pool. A loop is split
/// into items by the shape of the problem, never by the number of threads, so results do not depend
/// on that number. Only one thread at a time may start a loop, and an item must not start one itself:
/// either ends the program.
///
/// `@unchecked Sendable`: each worker touches only its own scratch memory while a loop runs, and
/// the memory grows only between loops.
@safe package final class WorkerPool: @unchecked Sendable {
    /// The number of workers, the caller included.
    package let threads: Int
    /// Why fewer threads were started than requested; `nil` if all were.
    package let failure: ThreadError?

    private let shared: Shared
    private var scratch: [UnsafeMutableRawPointer]
    private var scratchByteCount = 0
    /// Whether a loop is running.
    private let isBusy = Atomic(false)

    /// Starts `threads - 1` threads, or as many as the system allows. With fewer threads the
    /// results are the same, only slower.
    package init(threads: Int) {
        precondition(threads >= 1, "threads is \(threads), expected 1 or more")
        let shared = Shared(workers: threads)
        var started = 1
        var failure: ThreadError?
        while started < threads && failure == nil {
            let worker = started
            do {
                try startThread(named: "worker \(worker)", stackByteCount: 4 << 20) { shared.serve(worker) }
                started += 1
            } catch {
                failure = error
            }
        }
        shared.workers.store(started, ordering: .relaxed)
        self.threads = started
        self.shared = shared
        self.failure = failure
        unsafe scratch = []
    }

    /// Starts `threads - 1` threads.
    ///
    /// - Throws: If the system refuses one of them.
    package convenience init(exactly threads: Int) throws(ThreadError) {
        self.init(threads: threads)
        if let failure { throw failure }
    }

    deinit {
        shared.stop()
        releaseScratch()
    }

    /// Calls `body` once for each item in `0..<count`; returns when all items are done.
    package func forEach(_ count: Int, _ body: @Sendable (_ item: Int) -> Void) {
        forEach(count, scratch: 0) { item, _ in body(item) }
    }

    /// Calls `body` once for each item, with `floats` floats of the worker's own scratch memory.
    ///
    /// The scratch memory is aligned to 64 bytes and holds whatever its last user left there.
    package func forEach(
        _ count: Int, scratch floats: Int,
        _ body: @Sendable (_ item: Int, _ scratch: inout MutableSpan<Float>) -> Void
    ) {
        let wasBusy = isBusy.exchange(true, ordering: .acquiring)
        precondition(!wasBusy, "a parallel loop was started while another one of the same pool is running")
        defer { isBusy.store(false, ordering: .releasing) }
        let scratch = reserveScratch(floats: floats)
        run(count) { item, worker in
            var own = scratch[worker]
            body(item, &own)
        }
    }

    /// Runs `count` items; `body` receives the item and the worker that runs it.
    private func run(_ count: Int, _ body: @Sendable (_ item: Int, _ worker: Int) -> Void) {
        if threads == 1 || count <= 1 {
            for item in 0..<count { body(item, 0) }
            return
        }
        withoutActuallyEscaping(body) { shared.run(count, $0) }
    }

    private func releaseScratch() {
        for worker in unsafe scratch.indices { unsafe scratch[worker].deallocate() }
    }

    private func reserveScratch(floats: Int) -> ScratchMemory {
        let byteCount = floats * MemoryLayout<Float>.stride
        if byteCount > scratchByteCount {
            releaseScratch()
            scratchByteCount = (byteCount + 4095) & ~4095
            unsafe scratch = (0..<threads).map { _ in
                let memory = unsafe allocatePages(byteCount: scratchByteCount)
                unsafe memory.initializeMemory(
                    as: Float.self, repeating: 0, count: scratchByteCount / MemoryLayout<Float>.stride)
                return unsafe memory
            }
        }
        return unsafe ScratchMemory(bases: scratch, count: floats)
    }
}

/// The scratch memory of all workers, for one loop.
///
/// `@unchecked Sendable`: each worker uses only its own part.
@safe private struct ScratchMemory: @unchecked Sendable {
    let bases: [UnsafeMutableRawPointer]
    let count: Int

    subscript(worker: Int) -> MutableSpan<Float> {
        @_lifetime(borrow self) get {
            guard count > 0 else { return MutableSpan() }
            let floats = unsafe UnsafeMutableBufferPointer(
                start: bases[worker].assumingMemoryBound(to: Float.self), count: count)
            return unsafe _overrideLifetime(MutableSpan(_unsafeElements: floats), borrowing: self)
        }
    }
}

/// A counter with cache lines of its own: threads that wait for one counter do not slow down those that
/// count with another.
private struct Counter: ~Copyable, Sendable {
    private let before = InlineArray<16, Int>(repeating: 0)
    let value = Atomic<Int>(0)
    private let after = InlineArray<15, Int>(repeating: 0)
}

/// State shared by the threads of one pool: the current loop, and the means to wake and to wait.
private final class Shared: Sendable {
    typealias Body = @Sendable (_ item: Int, _ worker: Int) -> Void

    private struct Work {
        var count = 0
        var body: Body?
        var isStopped = false
    }

    /// Number of workers that could be started, the caller included.
    let workers: Atomic<Int>
    private let work = Mutex(Work())
    private let nextItem = Counter()
    /// Number of loops announced so far; the end of the pool counts as one.
    private let pieces = Counter()
    private let unfinished = Counter()
    private let newPiece: [Waiting]
    private let finished = Waiting()

    init(workers: Int) {
        self.workers = Atomic(workers)
        newPiece = (0..<workers).map { _ in Waiting() }
    }

    func run(_ count: Int, _ body: @escaping Body) {
        work.withLock {
            $0.count = count
            $0.body = body
        }
        nextItem.value.store(0, ordering: .relaxed)
        unfinished.value.store(workers.load(ordering: .relaxed) - 1, ordering: .releasing)
        announce()
        take(count, body, worker: 0)
        finished.wait(until: { unfinished.value.load(ordering: .sequentiallyConsistent) == 0 })
        work.withLock { $0.body = nil }
    }

    func stop() {
        work.withLock { $0.isStopped = true }
        announce()
    }

    private func announce() {
        pieces.value.add(1, ordering: .sequentiallyConsistent)
        for worker in 1..<workers.load(ordering: .relaxed) { newPiece[worker].notify() }
    }

    func serve(_ worker: Int) {
        var seen = 0
        while true {
            newPiece[worker].wait(until: { pieces.value.load(ordering: .sequentiallyConsistent) != seen })
            seen += 1
            guard doPiece(worker) else { return }
            if unfinished.value.subtract(1, ordering: .sequentiallyConsistent).newValue == 0 {
                finished.notify()
            }
        }
    }

    /// Runs items of the current loop; `false` if the pool has stopped.
    ///
    /// A separate function, never inlined, because its reference to the loop body must be released
    /// before the caller of `run` continues.
    @inline(never)
    private func doPiece(_ worker: Int) -> Bool {
        let (count, body, isStopped) = work.withLock { ($0.count, $0.body, $0.isStopped) }
        if let body, !isStopped { take(count, body, worker: worker) }
        return !isStopped
    }

    private func take(_ count: Int, _ body: Body, worker: Int) {
        while true {
            let item = nextItem.value.add(1, ordering: .relaxed).oldValue
            if item >= count { return }
            body(item, worker)
        }
    }
}
