import Datasets
import Numerics
import Synchronization
import TestSupport
import Testing

/// Logs the crop geometries that a loader draws for each record.
private final class DrawLog: Sendable {
    private let entries = Mutex<[Int: [CropGeometry]]>([:])

    func note(_ geometry: CropGeometry, of record: Int) {
        entries.withLock { $0[record, default: []].append(geometry) }
    }

    /// The last geometry logged for a record.
    func last(of record: Int) -> CropGeometry? { entries.withLock { $0[record]?.last } }
}

/// A transform that logs its geometry; an image's width encodes its record.
private struct Logged<Transform: ImageTransform>: ImageTransform {
    static var narrowest: Int { 12 }

    let transform: Transform
    let log: DrawLog

    var size: Int { transform.size }
    var normalization: ChannelNormalization { transform.normalization }

    func geometry(width: Int, height: Int, stream: RandomStream) throws(DatasetError) -> CropGeometry {
        let geometry = try transform.geometry(width: width, height: height, stream: stream)
        log.note(geometry, of: width - Self.narrowest)
        return geometry
    }
}

private struct WideImages: ImageSource {
    let count: Int

    func label(of record: Int) -> Int32 { Int32(record % 3) }

    func image(of record: Int) -> RGBImage {
        hashSequenceImage(offset: record * 999, width: 12 + record, height: 17)
    }
}

/// Counts the records that a loader has read.
private final class ReadLog: Sendable {
    private let state = Mutex<(count: Int, timeBeforeFirst: Duration?)>((0, nil))

    func note() {
        let time = threadTime()
        state.withLock { state in
            state.count += 1
            if state.timeBeforeFirst == nil { state.timeBeforeFirst = time }
        }
    }

    var count: Int { state.withLock { $0.count } }
    /// CPU time of the first record's thread before it read the record.
    var timeBeforeFirst: Duration? { state.withLock { $0.timeBeforeFirst } }
}

private struct OneImage: ImageSource {
    let count: Int
    let reads: ReadLog

    func label(of record: Int) -> Int32 { 0 }

    func image(of record: Int) -> RGBImage {
        reads.note()
        return hashSequenceImage(offset: 0, width: 11, height: 11)
    }
}

/// Records, crops and flips of two epochs of 77 records in batches of 20 and microbatches of 3.
@Suite(.timeLimit(.minutes(30)))
struct LoaderLogTests {
    private struct Entry: Equatable {
        let epoch: Int
        let step: Int
        let record: Int
        let geometry: CropGeometry?
    }

    private static let count = 77

    private func log(
        _ transform: some ImageTransform, rank: Int = 0, worldSize: Int = 1, threads: Int = 1, epoch: Int = 0,
        step: Int = 0, steps: Int = .max, window: Int? = nil
    ) throws -> [Entry] {
        let draws = DrawLog()
        let batches = TrainingBatches(
            Sampler(seed: 3, count: Self.count, blockSize: 5, window: window),
            BatchDivision(batchSize: 20, microbatchSize: 3, rank: rank, worldSize: worldSize),
            startEpoch: epoch, startStep: step, epochs: epoch + 1)
        let loader = try BatchLoader(
            batches, of: WideImages(count: Self.count), transform: Logged(transform: transform, log: draws),
            prefetch: 1, threads: threads)
        var entries: [Entry] = []
        while entries.count < steps, let batch = try loader.next() {
            // An epoch has each record once, so the last logged geometry belongs to the batch.
            entries += batch.records.map {
                Entry(epoch: batch.epoch, step: batch.step, record: $0, geometry: draws.last(of: $0))
            }
            loader.recycle(batch)
        }
        return entries
    }

    private static let transforms: [any ImageTransform] = [
        PaddedCropTransform(size: 11, padding: 2, normalization: .cifar10),
        RandomResizedCropTransform(size: 9, normalization: .imageNet),
    ]

    @Test(arguments: [0, 1], [nil, 20])
    func ranksAndThreadsDoNotChangeIt(transform: Int, window: Int?) throws {
        let transform = Self.transforms[transform]
        for epoch in 0..<2 {
            let whole = try log(transform, epoch: epoch, window: window)
            #expect(whole.count == Self.count)
            #expect(Set(whole.map(\.record)).count == Self.count)
            #expect(whole.allSatisfy { $0.geometry != nil })
            // The draws vary: with and without flip, and different crops.
            #expect(Set(whole.map(\.geometry?.isFlipped)).count == 2)
            #expect(Set(whole.map { "\($0.geometry?.shiftX ?? 0) \($0.geometry?.box.x ?? 0)" }).count > 3)
            for (worldSize, threads) in [(1, 2), (2, 1), (2, 2), (4, 1), (4, 2)] {
                let parts = try (0..<worldSize).map {
                    try log(
                        transform, rank: $0, worldSize: worldSize, threads: threads, epoch: epoch,
                        window: window)
                }
                for step in 0..<4 {
                    #expect(
                        parts.flatMap { $0.filter { $0.step == step } } == whole.filter { $0.step == step },
                        "\(worldSize) ranks, \(threads) threads")
                }
            }
        }
    }

    @Test(arguments: [0, 1])
    func aStopAtAnyStepDoesNotChangeIt(transform: Int) throws {
        let transform = Self.transforms[transform]
        for epoch in 0..<2 {
            let whole = try log(transform, epoch: epoch)
            for step in 0..<4 {
                let rest = try log(transform, epoch: epoch, step: step)
                #expect(rest == whole.filter { $0.step >= step })
            }
        }
    }

    /// ImageNet's number of records, late in a late epoch: nothing before it is drawn or read.
    @Test(arguments: [nil, 20_032])
    func aStartLateInALargeSetDrawsOneOrderAndReadsItsOwnBatches(window: Int?) throws {
        let count = 1_281_167
        let sampler = Sampler(seed: 3, count: count, blockSize: 1252, window: window)
        let reads = ReadLog()
        let batches = TrainingBatches(
            sampler, BatchDivision(batchSize: 256, microbatchSize: 32, rank: 1, worldSize: 2), startEpoch: 88,
            startStep: 5000, epochs: 90)
        let loader = try BatchLoader(
            batches, of: OneImage(count: count, reads: reads), transform: Self.transforms[0])
        let batch = try #require(try loader.next())
        #expect(batch.epoch == 88 && batch.step == 5000 && batch.count == 128)
        // The current batch, two that wait and one that is being filled.
        #expect(reads.count <= 4 * 128)
        // The loader's only thread has drawn one order before its first record; the orders of 88
        // epochs would take 88 times as long.
        let order = threadTime { _ = sampler.order(epoch: 88) }
        #expect(try #require(reads.timeBeforeFirst) < order * 10)
    }

    @Test func theBytesThatMayWaitBoundTheBatches() {
        let depth = { (byteCount: Int, rank: Int) in
            BatchLoader.prefetch(
                upTo: 8, byteCount: byteCount,
                BatchDivision(batchSize: 128, microbatchSize: 32, rank: rank, worldSize: 2), size: 32)
        }
        // 64 images of 12,288 bytes per rank.
        #expect(depth(1, 0) == 1)
        #expect(depth(3 * 786_432 - 1, 0) == 2)
        #expect(depth(3 * 786_432, 1) == 3)
        #expect(depth(1 << 40, 0) == 8)
    }
}
