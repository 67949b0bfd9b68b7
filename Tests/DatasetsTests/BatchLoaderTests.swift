import Datasets
import Memory
import Numerics
import Synchronization
import TestSupport
import Testing

/// Small images that encode their record number; some records cannot be read.
private struct NumberedImages: ImageSource {
    let count: Int
    var broken: Set<Int> = []

    func label(of record: Int) -> Int32 { Int32(record % 10) }

    func image(of record: Int) throws(DatasetError) -> RGBImage {
        if broken.contains(record) {
            throw DatasetError(action: "decode image", place: "record \(record)", reason: "it is broken")
        }
        return hashSequenceImage(offset: record * 1000, width: 8, height: 8)
    }
}

/// A batch as values, for comparison.
private struct Contents: Equatable {
    var epoch: Int
    var step: Int
    var records: [Int]
    var labels: [Int32]
    var pixels: [Float]
}

@Suite(.timeLimit(.minutes(30)))
struct BatchLoaderTests {
    private static let count = 150
    private static let transform = PaddedCropTransform(size: 8, padding: 2, normalization: .cifar10)

    private func loader(
        rank: Int = 0, worldSize: Int = 1, threads: Int = 1, epoch: Int = 0, step: Int = 0, views: Int = 1,
        prefetch: Int = 2, broken: Set<Int> = []
    ) throws -> BatchLoader {
        let batches = TrainingBatches(
            Sampler(seed: 6, count: Self.count),
            BatchDivision(batchSize: 32, microbatchSize: 4, rank: rank, worldSize: worldSize),
            startEpoch: epoch, startStep: step, epochs: 2)
        return try BatchLoader(
            batches, of: NumberedImages(count: Self.count, broken: broken), transform: Self.transform,
            views: views, prefetch: prefetch, threads: threads)
    }

    private func contents(of loader: BatchLoader) throws -> [Contents] {
        var all: [Contents] = []
        while let batch = try loader.next() {
            #expect(batch.samples.count == batch.count)
            all.append(
                Contents(
                    epoch: batch.epoch, step: batch.step, records: batch.records, labels: batch.labels,
                    pixels: batch.images.copyToArray()))
            loader.recycle(batch)
        }
        return all
    }

    @Test func everyEpochHoldsEveryRecordOnceAndKeepsTheShortBatch() throws {
        let all = try contents(of: loader())
        #expect(all.map(\.epoch) == [0, 0, 0, 0, 0, 1, 1, 1, 1, 1])
        #expect(all.map(\.step) == [0, 1, 2, 3, 4, 0, 1, 2, 3, 4])
        #expect(all.map(\.records.count) == [32, 32, 32, 32, 22, 32, 32, 32, 32, 22])
        #expect(all.map(\.pixels.count) == all.map { $0.records.count * 192 })
        for epoch in 0..<2 {
            let records = all.filter { $0.epoch == epoch }.flatMap(\.records)
            #expect(records.sorted() == Array(0..<Self.count))
        }
        #expect(all[0].records != all[5].records)
        #expect(all.allSatisfy { $0.labels == $0.records.map { Int32($0 % 10) } })
    }

    /// A microbatch has the first views of its images, then the second views; the first views are
    /// the same as with one view per image.
    @Test(arguments: [1, 3])
    func viewsOfAnImageLieInItsMicrobatchAndHaveNumbersOfTheirOwn(threads: Int) throws {
        let single = try contents(of: loader(epoch: 1, step: 4))[0]
        let double = try contents(of: loader(threads: threads, epoch: 1, step: 4, views: 2))[0]
        #expect(double.records == single.records && double.records.count == 22)
        #expect(double.pixels.count == 44 * 192 && double.labels.count == 44)
        let views = SampleViews(imageCount: 22, microbatchSize: 4, views: 2)
        #expect(views.sampleCount == 44)
        var differing = 0
        for sample in 0..<44 {
            let (image, view) = views.place(of: sample)
            #expect(image / 4 == sample / 8, "the microbatch")
            #expect(double.labels[sample] == single.labels[image])
            var pixels = Buffer<Float>(zeros: 192)
            var span = pixels.mutableSpan
            let stream = RandomStream(seed: 6, purpose: .augmentation, 1, double.records[image])
            try Self.transform.write(
                try NumberedImages(count: Self.count).image(of: double.records[image]),
                stream: view == 0 ? stream : stream.branch(2), into: &span)
            let own = Array(double.pixels[sample * 192..<(sample + 1) * 192])
            #expect(own == pixels.copyToArray())
            if own != Array(single.pixels[image * 192..<(image + 1) * 192]) { differing += 1 }
        }
        // Of 25 crop positions and 2 flips, the chance that both views agree is 1 in 50.
        #expect((18...22).contains(differing))
        #expect((0..<8).map { views.place(of: $0).image } == [0, 1, 2, 3, 0, 1, 2, 3])
        #expect((40..<44).map { views.place(of: $0).image } == [20, 21, 20, 21])
    }

    @Test(arguments: [2, 4])
    func theViewsOfRanksAreThoseOfOne(worldSize: Int) throws {
        let one = try contents(of: loader(views: 2))
        let ranks = try (0..<worldSize).map {
            try contents(of: loader(rank: $0, worldSize: worldSize, views: 2))
        }
        for step in one.indices {
            #expect(firstDifference(ranks.flatMap { $0[step].pixels }, one[step].pixels) == nil)
            #expect(ranks.flatMap { $0[step].labels } == one[step].labels)
        }
    }

    @Test func aRecordsPixelsDependOnSeedEpochAndRecordAlone() throws {
        let first = try #require(try contents(of: loader(epoch: 1)).first)
        for (sample, record) in first.records.enumerated() {
            var pixels = Buffer<Float>(zeros: 192)
            var span = pixels.mutableSpan
            let image = try NumberedImages(count: Self.count).image(of: record)
            try Self.transform.write(
                image, stream: RandomStream(seed: 6, purpose: .augmentation, 1, record), into: &span)
            #expect(pixels.copyToArray() == Array(first.pixels[sample * 192..<sample * 192 + 192]))
        }
    }

    @Test(arguments: [1, 2, 3, 4, 8], [1, 2])
    func theRanksTogetherHoldWhatOneRankHolds(worldSize: Int, threads: Int) throws {
        let whole = try contents(of: loader())
        let parts = try (0..<worldSize).map {
            try contents(of: loader(rank: $0, worldSize: worldSize, threads: threads))
        }
        for step in whole.indices {
            #expect(
                parts.allSatisfy { $0[step].epoch == whole[step].epoch && $0[step].step == whole[step].step })
            #expect(parts.flatMap { $0[step].records } == whole[step].records)
            #expect(parts.flatMap { $0[step].labels } == whole[step].labels)
            #expect(firstDifference(parts.flatMap { $0[step].pixels }, whole[step].pixels) == nil)
        }
        #expect(parts.allSatisfy { $0.count == whole.count })
    }

    @Test func aStartAtAnyStepGivesTheRest() throws {
        let whole = try contents(of: loader())
        for start in 0...10 {
            let rest = try contents(of: loader(epoch: start / 5, step: start % 5))
            #expect(rest == Array(whole[start...]))
        }
        #expect(try contents(of: loader(epoch: 0, step: 5)) == Array(whole[5...]))
    }

    @Test func aRankWithoutMicrobatchesGetsAnEmptyBatch() throws {
        let batches = TrainingBatches(
            Sampler(seed: 6, count: 5),
            BatchDivision(batchSize: 32, microbatchSize: 4, rank: 3, worldSize: 4), epochs: 1)
        let short = try BatchLoader(batches, of: NumberedImages(count: 5), transform: Self.transform)
        let batch = try #require(try short.next())
        #expect(batch.count == 0 && batch.images.count == 0)
        #expect(batch.globalSampleCount == 5)
        #expect(try short.next() == nil)
    }

    @Test(arguments: [1, 2])
    func aBrokenRecordStopsTheLoaderWhereItsBatchWouldHaveCome(threads: Int) throws {
        let order = Sampler(seed: 6, count: Self.count).order(epoch: 0)
        // Two broken records in step 2: the error names the first in order, whichever worker is
        // faster.
        let first = order.record(at: 64 + 9)
        let broken = try loader(threads: threads, broken: [order.record(at: 64 + 20), first])
        #expect(try broken.next()?.step == 0)
        #expect(try broken.next()?.step == 1)
        for _ in 0..<2 {
            let error = #expect(throws: DatasetError.self) { try broken.next() }
            #expect("\(try #require(error))".contains("record \(first): it is broken"))
        }
    }

    @Test func aClosedOrForgottenLoaderDoesNotHang() throws {
        for prefetch in [1, 4] {
            let closed = try loader(threads: 2, prefetch: prefetch)
            #expect(try closed.next() != nil)
            closed.close()
            #expect(try closed.next() == nil)
            #expect(try loader(prefetch: prefetch).next()?.step == 0)
        }
    }

    @Test func anImageTheTransformRefusesIsNamed() throws {
        let loader = try BatchLoader(
            EvaluationBatches(count: 3, microbatchSize: 2, microbatchesPerBatch: 1, rank: 1, worldSize: 2),
            of: NumberedImages(count: 3),
            transform: EvaluationTransform(size: 9, shorterSide: nil, normalization: .cifar10))
        let error = #expect(throws: DatasetError.self) { try loader.next() }
        #expect(
            try #require(error).description
                == "could not transform, record 2, image of 8×8: expected 9×9; set data.transform.resize"
        )
    }

    @Test func memoryIsReusedOnceGivenBack() throws {
        let loader = try loader(prefetch: 1)
        var identities: Set<ObjectIdentifier> = []
        var kept: [Batch] = []
        while let batch = try loader.next() {
            identities.insert(ObjectIdentifier(batch))
            kept.append(batch)
            loader.recycle(batch)
        }
        #expect(kept.count == 10)
        // One batch is in use, one waits, one is being filled, one is free.
        #expect(identities.count <= 4)
    }

    @Test(arguments: [1, 2, 3, 4], [1, 2, 5])
    func evaluationVisitsEveryRecordOnceInOrder(worldSize: Int, microbatchesPerBatch: Int) throws {
        let transform = EvaluationTransform(size: 8, shorterSide: 8, normalization: .cifar10)
        var records: [Int] = []
        var labels: [Int32] = []
        for rank in 0..<worldSize {
            let batches = EvaluationBatches(
                count: 75, microbatchSize: 8, microbatchesPerBatch: microbatchesPerBatch, rank: rank,
                worldSize: worldSize)
            let loader = try BatchLoader(batches, of: NumberedImages(count: 75), transform: transform)
            while let batch = try loader.next() {
                #expect(batch.count >= 1 && batch.count <= 8 * microbatchesPerBatch)
                #expect(batch.records == Array(batch.samples))
                #expect(batch.images.count == batch.count * 192)
                #expect(batch.samples.lowerBound % 8 == 0)
                records += batch.records
                labels += batch.labels
                loader.recycle(batch)
            }
        }
        #expect(records == Array(0..<75))
        #expect(labels == (0..<75).map { Int32($0 % 10) })
    }
}
