import Memory
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(30)))
struct BufferTests {
    @Test(arguments: [0, 1, 17])
    func holdsACopyOfWhatItWasMadeFrom(count: Int) {
        let values = testValues(count: count, stream: 1)
        let buffer = Buffer(values, default: 0)
        #expect(buffer.count == count)
        #expect(buffer.copyToArray() == values)
    }

    @Test func reservingLessKeepsTheElements() {
        var buffer = Buffer<Float>([1, 2, 3], default: 0)
        buffer.reserve(2)
        #expect(buffer.copyToArray() == [1, 2, 3])
        buffer.reserve(5)
        #expect(buffer.copyToArray() == [0, 0, 0, 0, 0])
    }
}
