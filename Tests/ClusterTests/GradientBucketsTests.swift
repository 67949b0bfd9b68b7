import Cluster
import Testing

@Suite(.timeLimit(.minutes(30)))
struct GradientBucketsTests {
    /// Contiguous tensors of `counts` elements.
    private func tensors(_ counts: [Int]) -> [Range<Int>] {
        var end = 0
        return counts.map { count in
            defer { end += count }
            return end..<end + count
        }
    }

    @Test func bucketsEndWhereTensorsEndAndTheFirstLayersAreOne() {
        // A bucket has 16 elements, so the first layers' bucket has up to 2.
        let buckets = GradientBuckets(tensors: tensors([1, 1, 3, 9, 7, 30, 4]), byteCount: 64)
        #expect(buckets.ranges == [21..<55, 5..<21, 2..<5, 0..<2])
        #expect(GradientBuckets(tensors: tensors([3, 4]), byteCount: 1 << 20).ranges == [0..<7])
        #expect(GradientBuckets(tensors: tensors([3, 4]), byteCount: 1).ranges == [3..<7, 0..<3])
        #expect(GradientBuckets(tensors: [], byteCount: 64).ranges.isEmpty)
    }

    @Test func whatLiesBetweenTensorsIsInNoBucket() {
        let parts = [10..<11, 11..<14, 20..<23, 23..<40, 50..<54]
        let buckets = GradientBuckets(tensors: parts, byteCount: 64)
        #expect(buckets.ranges == [50..<54, 23..<40, 20..<23, 11..<14, 10..<11])
        #expect(GradientBuckets(tensors: [5..<9, 12..<14], byteCount: 4096).ranges == [12..<14, 5..<9])
    }

    @Test func aBucketIsWholeOnceAllOfItIsSetInWhateverOrder() {
        var buckets = GradientBuckets(tensors: tensors([2, 3, 9, 7, 13]), byteCount: 64)
        #expect(buckets.ranges == [14..<34, 2..<14, 0..<2])
        for _ in 0..<2 {
            buckets.begin()
            #expect(buckets.complete(21..<34) == [])
            #expect(buckets.complete(0..<2) == [2])
            #expect(buckets.complete(5..<21) == [0])
            #expect(buckets.complete(5..<5) == [])
            #expect(buckets.complete(2..<5) == [1])
        }
        buckets.begin()
        #expect(buckets.complete(0..<34) == [0, 1, 2])
    }
}
