import Foundation
import Pickle
import Testing

@Suite(.timeLimit(.minutes(30))) struct PickleReaderTests {
    private func read(_ data: Data, _ constructors: Set<PickleGlobal> = PickleReader.bytesConstructors) throws
        -> PickleValue
    {
        try PickleReader(constructors: constructors).read(whole: [UInt8](data))
    }

    @Test(arguments: 0...5)
    func everyKindOfValueIsReadInEveryProtocol(number: Int) throws {
        let value = try read(try #require(PickleFixtures.all.mixed["\(number)"]))
        #expect(value["none"] == PickleValue.none)
        #expect(value["true"] == .bool(true) && value["false"] == .bool(false))
        let integers = ["small": 7, "medium": 700, "large": -70_000, "huge": 1 << 62, "negative": -(1 << 40)]
        for (key, expected) in integers { #expect(value[key] == .integer(expected), "\(key)") }
        #expect(value["real"] == .real(-0.125))
        #expect(value["text"] == .text("Zürich \\ \n \u{1F600}"))
        #expect(value["bytes"] == .bytes([0, 255, 10, 39]))
        #expect(value["empty"] == .bytes([]))
        #expect(value["list"] == .list([.integer(1), .list([.integer(2), .list([.integer(3)])])]))
        let four = PickleValue.tuple((1...4).map { .integer($0) })
        #expect(value["tuple"] == .tuple([.integer(1), .tuple([.integer(2)]), .tuple([]), four]))
        let shared = PickleValue.list([.text("a"), .text("b")])
        #expect(value["shared"] == .list([shared, shared]))
        #expect(value["long text"]?.string == String(repeating: "x", count: 300))
        #expect(value["long bytes"] == .bytes([UInt8](repeating: UInt8(ascii: "y"), count: 300)[...]))
        #expect(value["many"]?.integers == Array(0..<300))
        if number >= 4 {
            #expect(value["set"] == .set([.integer(5)]) && value["frozen"] == .set([.integer(6)]))
        }
    }

    @Test(arguments: 2...5)
    func anAllowedClassStaysData(number: Int) throws {
        let ordered = PickleGlobal("collections", "OrderedDict")
        let data = try #require(PickleFixtures.all.ordered["\(number)"])
        let value = try read(data, [ordered])
        #expect(value["first"] == .integer(1) && value["second"] == .integer(2))
        guard case .object(let object) = value else {
            Issue.record("no object")
            return
        }
        #expect(object.constructor == ordered && object.entries.map(\.key.string) == ["first", "second"])
        let refusal = message { _ = try read(data) }
        #expect(refusal.hasSuffix("it asks for collections.OrderedDict, which is not allowed"))
    }

    @Test func aLongIntegerKeepsItsBytes() throws {
        let value = try read(PickleFixtures.all.longInteger)
        #expect(value == .longInteger([0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19]))
    }

    @Test func whatFollowsAPickleIsLeft() throws {
        let bytes: [UInt8] = [0x80, 2, UInt8(ascii: "N"), UInt8(ascii: "."), 1, 2, 3]
        #expect(try PickleReader().read(bytes[...]).byteCount == 4)
        #expect(
            message { _ = try PickleReader().read(whole: bytes) }
                == "at byte 4: 3 bytes follow the pickle's end")
    }

    @Test func namesOfWhatLiesOutsideAreReadWhereAllowed() throws {
        let bytes = Array("(S'storage'\nI3\ntQ.".utf8)
        let value = try PickleReader(allowsPersistent: true).read(whole: bytes)
        #expect(value == .persistent(.tuple([.bytes(Array("storage".utf8)[...]), .integer(3)])))
        #expect(
            message { _ = try PickleReader().read(whole: bytes) }.hasSuffix(
                "it refers to data outside the pickle, which is not allowed"))
    }

    @Test(arguments: [
        ("cos\nsystem\n(S'true'\ntR.", "it asks for os.system, which is not allowed"),
        ("\u{2}(ios\nsystem\n.", "0x02 is not a pickle opcode"),
        ("(S'true'\nios\nsystem\n.", "the operation INST is not allowed"),
        ("N", "the pickle is cut off"),
        ("", "the pickle is cut off"),
        (".", "the stack is empty"),
        ("a.", "the stack is empty"),
        ("t.", "there is no mark on the stack"),
        ("(0.", "the stack is empty"),
        ("(I1\nd.", "a key has no value"),
        ("NNR.", "it calls something other than a class or function with a tuple of arguments"),
        ("NNa.", "a value is added to one that is not a container, or a state is set twice"),
        ("NNb.", "a value is added to one that is not a container, or a state is set twice"),
        ("]q\u{1}h\u{1}a.", "a container holds itself"),
        ("h\u{1}.", "memo entry 1 does not exist"),
        ("gx\n.", "'x' is not a memo index"),
        ("Ix\n.", "'x' is not an integer of at most 1000 digits"),
        ("Fx\n.", "'x' is not a number"),
        ("Sx\n.", "a string is not in quotes"),
        ("S'\\q'\n.", "a string has an unknown escape"),
        ("V\\u12\n.", "a text has a damaged escape"),
        ("T\u{10}\u{0}\u{0}\u{0}abc.", "16 bytes are announced, 4 are left"),
    ])
    func whatIsDamagedOrNotAllowedIsNamed(pickle: String, reason: String) {
        let found = message { _ = try PickleReader().read(whole: Array(pickle.utf8)) }
        #expect(found.hasPrefix("at byte ") && found.hasSuffix(reason), "\(found)")
    }

    @Test func aLaterProtocolIsRefused() {
        #expect(
            message { _ = try PickleReader().read(whole: [0x80, 6, 0x4E, 0x2E]) }
                == "at byte 2: it is of protocol 6, expected 0 to 5")
    }

    @Test func everyByteAndEveryCutIsAnErrorOrAValueNeverACrash() throws {
        let reader = PickleReader(constructors: NumPyArray.constructors)
        let pickles = [PickleFixtures.all.python2] + PickleFixtures.all.arrays.values
        for pickle in pickles.map({ [UInt8]($0) }) {
            for count in pickle.indices {
                #expect(throws: PickleError.self) { try reader.read(whole: Array(pickle.prefix(count))) }
            }
            for index in pickle.indices {
                for mask: UInt8 in [1, 0x20, 0xFF] {
                    var damaged = pickle
                    damaged[index] ^= mask
                    if let value = try? reader.read(whole: damaged) {
                        _ = value["data"].flatMap(NumPyArray.init)
                    }
                }
            }
        }
    }

    @Test func limitsHold() {
        func refusal(_ pickle: String, _ change: (inout PickleLimits) -> Void = { _ in }) -> String {
            var limits = PickleLimits()
            change(&limits)
            return message { _ = try PickleReader(limits: limits).read(whole: Array(pickle.utf8)) }
        }
        let deep =
            String(repeating: "(", count: 1_000_000) + "N" + String(repeating: "t", count: 1_000_000) + "."
        #expect(refusal(deep).hasSuffix("its containers are more than 64 deep"))
        // Each list holds the previous one twice.
        let laughs = "]" + (0..<50).map { "p\($0)\n0(g\($0)\ng\($0)\nl" }.joined() + "."
        #expect(refusal(laughs).hasSuffix("it refers to more than 4194304 values"))
        #expect(refusal("NNNN.") { $0.valueCount = 3 }.hasSuffix("it holds more than 3 values"))
        #expect(refusal("Np1\np2\np3\n.") { $0.memoCount = 2 }.hasSuffix("its memo holds more than 2 values"))
        #expect(refusal("NNN.") { $0.byteCount = 3 } == "at byte 0: there are 4 bytes, expected at most 3")
    }
}
