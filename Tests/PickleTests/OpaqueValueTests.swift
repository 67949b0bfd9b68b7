import Foundation
import Pickle
import Testing

/// Pickles that may name any class: a class is kept as a name, and an unsupported value does not
/// prevent reading the rest.
@Suite(.timeLimit(.minutes(30))) struct OpaqueValueTests {
    private let reader = PickleReader(constructors: nil, allowsPersistent: true)

    private func read(_ text: String) throws -> PickleValue {
        // Each character is a byte.
        try reader.read(whole: text.unicodeScalars.map { UInt8($0.value) })
    }

    @Test(arguments: [
        ("cos\nsystem\n(S'true'\ntR.", "os.system"),
        ("(S'true'\nios\nsystem\n.", "os.system"),
        ("(cos\nsystem\nS'true'\no.", "os.system"),
        ("\u{80}\u{4}\u{8C}\u{2}os\u{8C}\u{6}system\u{93}(S'true'\nt}\u{92}.", "os.system"),
        ("cargparse\nNamespace\n)\u{81}}b.", "argparse.Namespace"),
        ("c__builtin__\ngetattr\n(cos\nsystem\ntR(S'true'\ntR.", "__builtin__.getattr()"),
        ("c__builtin__\ngetattr\n(tR(tR(tR.", "__builtin__.getattr()"),
    ])
    func anyClassIsKeptByItsName(text: String, name: String) throws {
        guard case .object(let object) = try read(text) else {
            Issue.record("no object")
            return
        }
        #expect("\(object.constructor)" == name)
    }

    @Test func aStateMayBeSetTwice() throws {
        let value = try read("ca\nb\n(tRI1\nbI2\nb.")
        guard case .object(let object) = value else {
            Issue.record("no object")
            return
        }
        #expect(object.state == .integer(2))
    }

    @Test func whatHoldsItselfOrIsTooDeepIsLeftOutAlone() throws {
        let deep = String(repeating: "(", count: 200) + "N" + String(repeating: "l", count: 200)
        let value = try read("(dS'a'\nI1\nsS'itself'\n(lp1\ng1\nasS'deep'\n\(deep)s.")
        #expect(value["a"] == .integer(1))
        #expect(value["itself"] == .list([.opaque("a container holds itself")]))
        var (rest, levels) = (try #require(value["deep"]), 0)
        while case .list(let inner) = rest, let first = inner.first { (rest, levels) = (first, levels + 1) }
        #expect(rest == .opaque("its containers are more than 64 deep") && levels <= 64)
    }

    @Test func aBombOfReferencesIsLeftOut() throws {
        // Each list holds the previous one ten times: 10²⁰ values.
        let bomb =
            "(l" + (0..<20).map { "p\($0)\n0(" + String(repeating: "g\($0)\n", count: 10) + "l" }.joined()
        let value = try read("(dS'a'\nI1\nsS'bomb'\n\(bomb)s.")
        #expect(value["a"] == .integer(1))
        #expect(
            message { _ = try read("\(bomb).") } == ""
                || message { _ = try read("\(bomb).") }.contains("values"))
    }

    @Test func namesOfWhatLiesOutsideAreListedWhereverTheyAre() throws {
        let bytes = Array("(dS'itself'\n(lp1\ng1\naS'a'\nQas.".utf8)
        #expect(try reader.read(bytes[...]).persistent == [.persistent(.bytes(Array("a".utf8)[...]))])
    }

    /// Two million nested containers in two megabytes: refused at the limit, not after reading
    /// them all.
    @Test func limitsAreTestedWhileReading() throws {
        let deep: [UInt8] = [0x80, 2, 0x29] + [UInt8](repeating: 0x85, count: 2_000_000) + [0x2E]
        let strict = #expect(throws: PickleError.self) { try PickleReader().read(whole: deep) }
        #expect(try #require(strict).offset < 100 && strict?.reason == "its containers are more than 64 deep")
        let lenient = #expect(throws: PickleError.self) { try reader.read(whole: deep) }
        #expect(lenient?.reason == "it holds more than 1048576 values")
        let twins: [UInt8] = [0x80, 2, 0x5D] + [UInt8](repeating: 0x32, count: 5_000_000) + [0x2E]
        let pushed = #expect(throws: PickleError.self) { try PickleReader().read(whole: twins) }
        #expect(pushed?.reason == "it refers to more than 4194304 values")
    }

    /// A call pops two values off a stack of hundreds of thousands, and must not copy the others.
    @Test func aLongStackIsReadInLinearTime() throws {
        let calls = "ca\nb\nq\u{0}" + String(repeating: "h\u{0})R", count: 300_000)
        let value = try read("\u{80}\u{2}(\(calls)l.")
        #expect(value.elements?.count == 300_001)
    }

    @Test(arguments: [
        ("1180591620717411303424", [0, 0, 0, 0, 0, 0, 0, 0, 0x40]),
        ("-1180591620717411303424L", [0, 0, 0, 0, 0, 0, 0, 0, 0xC0]),
    ])
    func longDecimalsAreRead(line: String, lowest: [UInt8]) throws {
        guard case .longInteger(let bytes) = try read("L\(line)\n.") else {
            Issue.record("no long integer")
            return
        }
        #expect(Array(bytes.prefix(9)) == lowest)
        #expect(bytes.dropFirst(9).allSatisfy { $0 == (line.hasPrefix("-") ? 0xFF : 0) })
    }

    @Test func anErrorHasNoControlCharacters() {
        let reason = message { _ = try PickleReader().read(whole: Array("c\u{1B}[2Jos\nsystem\n.".utf8)) }
        #expect(reason == "at byte 15: it asks for \u{FFFD}[2Jos.system, which is not allowed")
    }
}
