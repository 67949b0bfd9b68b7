import Foundation
import Pickle
import Testing

@Suite(.timeLimit(.minutes(30))) struct NumPyArrayTests {
    private let reader = PickleReader(constructors: NumPyArray.constructors)

    @Test(arguments: 0...5)
    func arraysAreReadInEveryProtocol(number: Int) throws {
        let data = try #require(PickleFixtures.all.arrays["\(number)"])
        let values = try #require(try reader.read(whole: [UInt8](data)).elements)
        let arrays = try values.map { try #require(NumPyArray($0)) }
        #expect(arrays.map(\.elementType) == ["u1", "i2", "i8", "f4"])
        #expect(arrays.map(\.shape) == [[3, 4], [2, 3], [3], [0, 3]])
        #expect(arrays[0].integers == Array(0..<12) && !arrays[0].isColumnMajor)
        #expect(arrays[1].integers == [-3, 0, -2, 1, -1, 2] && arrays[1].isColumnMajor)
        #expect(arrays[2].integers == [-1, 300, 1 << 40] && arrays[2].isBigEndian)
        #expect(arrays[3].integers == nil && arrays[3].bytes.isEmpty)
    }

    /// Labels that went through NumPy: `[numpy.int64(3), …]`.
    @Test(arguments: 0...5)
    func scalarsAreReadInEveryProtocol(number: Int) throws {
        let data = try #require(PickleFixtures.all.scalars["\(number)"])
        #expect(try reader.read(whole: [UInt8](data)).integers == [-7, 3, 200, 1 << 40])
    }

    @Test func python2sFormIsRead() throws {
        let value = try reader.read(whole: [UInt8](PickleFixtures.all.python2))
        let array = try #require(value["data"].flatMap(NumPyArray.init))
        #expect(array.elementType == "u1" && array.shape == [2, 3] && array.integers == Array(0..<6))
        #expect(value["labels"]?.integers == [6, 300])
    }

    @Test func aShapeThatContradictsItsBytesIsNone() throws {
        var bytes = [UInt8](PickleFixtures.all.python2)
        let shape = try #require(bytes.indices.first { Array(bytes[$0...].prefix(4)) == [0x4B, 2, 0x4B, 3] })
        bytes[shape + 1] = 3
        let value = try reader.read(whole: bytes)
        #expect(value["data"].flatMap(NumPyArray.init) == nil)
    }
}
