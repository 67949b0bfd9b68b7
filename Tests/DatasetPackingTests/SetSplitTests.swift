import DatasetPacking
import DatasetSamples
import Datasets
import TestSupport
import Testing

/// A random split of a photo folder into training, validation and test images.
@Suite(.timeLimit(.minutes(30))) struct SetSplitTests {
    @Test func everyRecordIsInOnePartAndEveryClassInItsShare() throws {
        let labels = (0..<200).map { Int32($0 % 2) } + [Int32](repeating: 2, count: 5)
        let split = try SetSplit(of: labels, shares: [80, 10, 10], seed: 0, origin: "x")
        #expect(split.records.flatMap(\.self).sorted() == Array(labels.indices))
        #expect(split.records.map(\.count) == [164, 21, 20])
        for label in [Int32(0), 1] {
            #expect(split.records.map { $0.count { labels[$0] == label } } == [80, 10, 10])
        }
        #expect(split.records.map { $0.count { labels[$0] == 2 } } == [4, 1, 0])
        #expect(split.records.allSatisfy { $0 == $0.sorted() })
    }

    /// Five images per class do not allow a tenth of each class; the shares hold over all classes.
    @Test func smallClassesTakeTurns() throws {
        let labels = (0..<100).map { Int32($0 / 5) }
        let split = try SetSplit(of: labels, shares: [80, 10, 10], seed: 1, origin: "x")
        #expect(split.records.map(\.count) == [80, 10, 10])
    }

    @Test func theSeedDecidesAlone() throws {
        let labels = (0..<100).map { Int32($0 % 4) }
        let cut = { (seed: UInt64) in
            try SetSplit(of: labels, shares: [1, 1], seed: seed, origin: "x").records
        }
        #expect(try cut(3) == cut(3))
        #expect(try cut(3) != cut(4))
    }

    @Test func anEmptyPartIsNamed() {
        #expect(
            message { _ = try SetSplit(of: [0, 0, 0], shares: [8, 1, 1], seed: 0, origin: "photos") }
                == "could not split, photos: part 2 of 8/1/1 gets none of 3 images; give it a larger share")
    }
}
