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
        // Each class gives each part at least its share, rounded down: 27 · 1/13 is 2.
        let two = [Int32](repeating: 0, count: 19) + [Int32](repeating: 1, count: 27)
        let parts = try SetSplit(of: two, shares: [3, 1, 9], seed: 0, origin: "x").records
        #expect(parts.map { $0.count { two[$0] == 0 } } == [4, 2, 13])
        #expect(parts.map { $0.count { two[$0] == 1 } } == [6, 2, 19])
    }

    @Test func theSeedDecidesAlone() throws {
        let labels = (0..<100).map { Int32($0 % 4) }
        let cut = { (seed: UInt64) in
            try SetSplit(of: labels, shares: [1, 1], seed: seed, origin: "x").records
        }
        #expect(try cut(3) == cut(3))
        #expect(try cut(3) != cut(4))
        // The same in every version: a set that is packed again must not move images from the test
        // part to the training part.
        #expect(
            try SetSplit(of: [0, 0, 0, 0, 0, 0, 1, 1, 1, 1], shares: [1, 1], seed: 3, origin: "x").records
                == [[0, 2, 4, 7, 9], [1, 3, 5, 6, 8]])
    }

    @Test func anEmptyPartIsNamed() {
        #expect(
            message { _ = try SetSplit(of: [0, 0, 0], shares: [8, 1, 1], seed: 0, origin: "photos") }
                == "could not split, photos: part 2 of 8/1/1 gets none of 3 images; give it a larger share")
    }
}
