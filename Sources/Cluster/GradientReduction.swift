internal import Foundation
package import Workers

/// All-reduces gradients bucket by bucket on its own thread while the backward pass continues.
///
/// One thread calls `begin`, then `complete` for each part of the gradients, then `finish`. All
/// ranks complete the same buckets in the same order, since all run the same network.
package final class GradientReduction: Sendable {
    /// The implementation of the sum.
    package enum Method: Sendable {
        /// `Communicator.treeSum`: the bits do not depend on the world.
        case tree
        /// `Communicator.librarySum`.
        case library
    }

    /// Receives the start and the end of each sum, on the reduction thread.
    package typealias Observer =
        @Sendable (_ start: ContinuousClock.Instant, _ end: ContinuousClock.Instant) -> Void

    private let work: ReductionWork

    /// - Parameters:
    ///   - communicator: A duplicate that nobody else uses.
    /// - Throws: If the system cannot create a thread.
    package init(
        _ buckets: GradientBuckets, over communicator: any Communicator, method: Method = .tree,
        observer: @escaping Observer = { _, _ in }
    ) throws(ThreadError) {
        let work = ReductionWork(buckets, communicator, method, observer)
        self.work = work
        try startThread(named: "gradients") { work.run() }
    }

    deinit { work.stop() }

    /// Begins a backward pass over `gradients`, shape `[count]`.
    ///
    /// Unsafe: the caller guarantees that until `finish` returns, the memory stays in place and
    /// completed buckets are not accessed.
    @unsafe package func begin(_ gradients: inout MutableSpan<Float>) {
        unsafe gradients.withUnsafeMutableBufferPointer { unsafe work.begin($0) }
    }

    /// Marks elements that the backward pass has set as ready to be summed.
    package func complete(_ range: Range<Int>) { work.complete(range) }

    /// Waits until every bucket holds the sum over all ranks.
    ///
    /// - Throws: The first error of a sum; the buckets after it are not summed.
    package func finish() throws(MPIError) { try work.finish() }
}

/// The state that the reduction thread and its user share.
///
/// `@unchecked Sendable`: all state is read and written under `condition`. Gradients have one owner
/// at a time: a bucket belongs to the user until it is completed and from `finish` on, and to the
/// thread in between.
@safe private final class ReductionWork: @unchecked Sendable {
    private let communicator: any Communicator
    private let method: GradientReduction.Method
    private let observer: GradientReduction.Observer
    private let condition = NSCondition()
    private let clock = ContinuousClock()
    private var buckets: GradientBuckets
    private var gradients = unsafe UnsafeMutableBufferPointer<Float>(start: nil, count: 0)
    /// Completed buckets that wait for their sum.
    private var waiting: [Range<Int>] = []
    /// Buckets of the pass that are not summed yet.
    private var unfinished = 0
    private var failure: MPIError?
    private var isStopped = false

    init(
        _ buckets: GradientBuckets, _ communicator: any Communicator, _ method: GradientReduction.Method,
        _ observer: @escaping GradientReduction.Observer
    ) {
        self.observer = observer
        self.buckets = buckets
        self.communicator = communicator
        self.method = method
    }

    func begin(_ gradients: UnsafeMutableBufferPointer<Float>) {
        condition.withLock {
            precondition(
                gradients.count >= buckets.ranges.first?.upperBound ?? 0,
                "\(gradients.count) gradients for buckets of \(buckets.ranges)")
            precondition(unfinished == 0, "\(unfinished) buckets of the last pass are not summed")
            unsafe self.gradients = unsafe gradients
            buckets.begin()
            unfinished = buckets.ranges.count
        }
    }

    func complete(_ range: Range<Int>) {
        condition.withLock {
            let whole = buckets.complete(range).map { buckets.ranges[$0] }
            guard !whole.isEmpty else { return }
            waiting += whole
            condition.broadcast()
        }
    }

    func finish() throws(MPIError) {
        condition.lock()
        defer { condition.unlock() }
        while unfinished > 0 && failure == nil { condition.wait() }
        if let failure { throw failure }
    }

    func stop() {
        condition.withLock {
            isStopped = true
            condition.broadcast()
        }
    }

    /// The body of the reduction thread.
    func run() {
        while let bucket = next() {
            let start = clock.now
            let failure = sum(bucket)
            observer(start, clock.now)
            condition.withLock {
                unfinished -= 1
                self.failure = self.failure ?? failure
                condition.broadcast()
            }
        }
    }

    private func next() -> Range<Int>? {
        condition.lock()
        defer { condition.unlock() }
        while waiting.isEmpty || failure != nil {
            if isStopped { return nil }
            condition.wait()
        }
        return waiting.removeFirst()
    }

    private func sum(_ bucket: Range<Int>) -> MPIError? {
        var values = unsafe MutableSpan(
            _unsafeElements: UnsafeMutableBufferPointer(rebasing: gradients[bucket]))
        do throws(MPIError) {
            switch method {
            case .tree: try communicator.treeSum(&values)
            case .library: try communicator.librarySum(&values)
            }
            return nil
        } catch {
            return error
        }
    }
}
