import Exchange
import Foundation
import Networks
import TestSupport
import Testing

/// Weights nested in the object saved by `torch.save`, and other content beside them. The pickles
/// have protocol 0.
@Suite(.timeLimit(.minutes(30))) struct StateDictionaryTests {
    private static let storages = ["0": [UInt8](repeating: 0, count: 16)]
    private static let storage = "(S'storage'\nctorch\nFloatStorage\nS'0'\nS'cpu'\nI4\ntQ"
    private static let view = "(\(storage)I0\n(I2\nI2\nt(I2\nI1\ntI00\nNt"
    private static let tensor = "ctorch._utils\n_rebuild_tensor_v2\n\(view)R"

    private static func dictionary(_ entries: [(String, String)]) -> String {
        "(" + entries.map { "S'\($0)'\n\($1)" }.joined() + "d"
    }

    private static let weights = dictionary([("conv.weight", tensor), ("conv.bias", tensor)])

    private func model(_ pickle: String, key: String? = nil) throws -> ModelFile {
        try ModelFile(
            bytes: HostileZip(pickle: Array((pickle + ".").utf8), storages: Self.storages).bytes, path: "x",
            key: key)
    }

    private func refused(
        _ pickle: String, key: String? = nil, sourceLocation: SourceLocation = #_sourceLocation
    ) -> String {
        #expect(throws: ExchangeError.self, sourceLocation: sourceLocation) { try model(pickle, key: key) }?
            .reason
            ?? ""
    }

    private func legacy(_ pickle: String, header: [UInt8] = [0x80, 2]) -> [UInt8] {
        let magic: [UInt8] = [0x8A, 10, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19, 0x2E]
        let rest = "I1001\n.(S'little_endian'\nI01\nd.\(pickle).(S'0'\nl."
        return header + magic + Array(rest.utf8) + little(4, 8) + [UInt8](repeating: 0, count: 16)
    }

    private static let owned =
        "\(FileManager.default.temporaryDirectory.path)/t2fnorm-owned-\(UUID().uuidString)"

    static let others: [String] = [
        "ccollections\nCounter\n((S'a'\nI2\ndtR", "cargparse\nNamespace\n(tR(S'lr'\nF0.1\ndb",
        "(iargparse\nNamespace\n(S'lr'\nF0.1\ndb", "ctorch\nfloat32\n",
        "c__builtin__\nbytearray\n(Vx\nS'latin-1'\ntR", "c__builtin__\ncomplex\n(F0.0\nF1.0\ntR",
        "ccollections\ndefaultdict\n(c__builtin__\nlist\ntR", "cdatetime\ndatetime\n(S'x'\ntR",
        "cpathlib\nPosixPath\n(S'/'\ntR", "c__builtin__\nxrange\n(I0\nI3\nI1\ntR",
        "cfunctools\npartial\n(c__builtin__\nint\ntR(c__builtin__\nint\n(t(dNtb",
        "c__builtin__\ngetattr\n(c__main__\nColor\nS'R'\ntR", "c__builtin__\ngetattr\n(tR(tR",
        "cos\nsystem\n(S'touch \(owned)'\ntR", "c__builtin__\neval\n(S'1/0'\ntR",
        "ctorch._utils\n_rebuild_sparse_tensor\n(NNtR", "ctorch._utils\n_rebuild_tensor_v3\n\(view)R",
        "ctorch._tensor\n_rebuild_from_type_v2\n(ctorch._utils\n_rebuild_tensor_v2\nctorch.nn.parameter\nBuffer\n\(view)(dtR",
        "(lp9\ng9\na", String(repeating: "(", count: 500) + "N" + String(repeating: "l", count: 500),
        "L1180591620717411303424L\n", "(S'storage'\nctorch\nComplexFloatStorage\nS'7'\nS'cpu'\nI4\ntQ",
    ]

    @Test(arguments: others)
    func whatIsKeptBesideTheWeightsIsOfNoMatter(other: String) throws {
        for entries in [
            [("state_dict", Self.weights), ("x", other)], [("x", other), ("state_dict", Self.weights)],
        ] {
            let file = try model(Self.dictionary(entries))
            #expect(file.tensors.map(\.name) == ["conv.weight", "conv.bias"] && file.key == "state_dict")
        }
        #expect(!FileManager.default.fileExists(atPath: Self.owned), "something of the file was run")
    }

    @Test(arguments: others.dropLast())
    func soItIsInTheOldFormat(other: String) throws {
        let pickle = Self.dictionary([("state_dict", Self.weights), ("x", other)])
        let file = try ModelFile(bytes: legacy(pickle), path: "x")
        #expect(file.tensors.map(\.name) == ["conv.weight", "conv.bias"])
    }

    @Test func theOldFormatIsReadInLaterProtocols() throws {
        for header: [UInt8] in [
            [0x80, 3], [0x80, 4, 0x95, 13, 0, 0, 0, 0, 0, 0, 0], [0x80, 5, 0x95, 13, 0, 0, 0, 0, 0, 0, 0],
        ] {
            let file = try ModelFile(bytes: legacy(Self.weights, header: header), path: "x")
            #expect(file.format == .legacyPyTorch && file.tensors.count == 2)
        }
    }

    private static let otherWeights: [(String, String)] = [
        (others[13], "is made by os.system, which is kept as a name and never run"),
        ("cos\nsystem\n", "is os.system, which is kept as a name and never run"),
        (
            "ctorch._utils\n_rebuild_sparse_tensor\n(NNtR",
            "is a sparse tensor; save tensor.to_dense() instead"
        ),
        ("ctorch._utils\n_rebuild_qtensor\n(NtR", "is quantized; save tensor.dequantize() instead"),
        (
            "ctorch._utils\n_rebuild_tensor_v3\n(NNNNNNctorch\nfloat8_e4m3fn\ntR",
            "is of type torch.float8_e4m3fn, which is not read; save tensor.float() instead"
        ),
        (
            "ctorch._tensor\n_rebuild_from_type_v2\n(ctorch._utils\n_rebuild_tensor_v2\nctorchao\nQuantized\n\(view)(dtR",
            "is of class torchao.Quantized, which is not read; save tensor.detach().as_subclass(torch.Tensor) instead"
        ),
        ("I5\n", "is not a tensor"), ("(lp9\ng9\na", "is not a tensor"),
    ]

    @Test(arguments: otherWeights)
    func aWeightThatDependsOnAClassIsNamed(value: String, reason: String) throws {
        let file = try model(Self.dictionary([("conv.weight", Self.tensor), ("fc.weight", value)]))
        #expect(file.unread == [UnreadTensor(name: "fc.weight", reason: reason)])
    }

    @Test func aNetworkThatNeedsItIsRefusedWithTheName() throws {
        let file = try model(
            Self.dictionary([
                ("conv1.weight", "cos\nsystem\n(S'touch \(Self.owned)'\ntR"), ("a.weight", Self.tensor),
            ]))
        let error = #expect(throws: ExchangeError.self) { try file.match(.resnet20) }
        let reason = try #require(error).reason
        #expect(reason.contains("; 1 not read: conv1.weight; "), "\(reason)")
        #expect(
            reason.contains("; 'conv1.weight' is made by os.system, which is kept as a name and never run; "),
            "\(reason)")
        #expect(!FileManager.default.fileExists(atPath: Self.owned))
    }

    @Test func aBufferIsATensor() throws {
        let buffer =
            "ctorch._tensor\n_rebuild_from_type_v2\n(ctorch._utils\n_rebuild_tensor_v2\nctorch.nn.parameter\nBuffer\n\(Self.view)(dtR"
        let file = try model(Self.dictionary([("conv.weight", Self.tensor), ("bn.running_mean", buffer)]))
        #expect(file.tensors.map(\.name) == ["conv.weight", "bn.running_mean"] && file.unread.isEmpty)
    }

    @Test(arguments: [["state_dict", "state_dict_ema"], ["model", "model_ema"], ["net", "ema"]])
    func severalAreNamedAndAKeyChooses(names: [String]) throws {
        let pickle = Self.dictionary([
            (names[0], Self.weights), ("epoch", "I3\n"),
            (names[1], Self.dictionary([("other.weight", Self.tensor)])),
        ])
        #expect(
            refused(pickle)
                == "holds several state dictionaries: \(names[0]) (2 tensors), \(names[1]) (1 tensors); choose one with --key, as --key \(names[0])"
        )
        #expect(
            refused(pickle, key: "none").hasPrefix(
                "has no state dictionary with the key 'none', but several "))
        #expect(try model(pickle, key: names[1]).tensors.map(\.name) == ["other.weight"])
        #expect(try model(pickle, key: names[0]).key == names[0])
    }

    @Test func oneIsFoundWhereverItIs() throws {
        #expect(
            try model(Self.dictionary([("checkpoint", Self.dictionary([("x", Self.weights)]))])).key
                == "checkpoint.x")
        #expect(try model("(\(Self.weights)l").key == "0")
        #expect(try model("(I1\n\(Self.weights)t").key == "1")
        #expect(try model(Self.weights).key == nil)
    }

    /// Keys may contain dots, and the rest of a key is a prefix of the tensors' names.
    @Test func aKeyLeadsThroughDictionariesIntoNames() throws {
        let twins = Self.dictionary([("a.b.weight", Self.tensor), ("c.weight", Self.tensor)])
        let pickle = Self.dictionary([("x.y", Self.dictionary([("z", twins)])), ("w", Self.weights)])
        #expect(try model(pickle, key: "x.y.z").tensors.count == 2)
        #expect(try model(pickle, key: "x.y.z.a").tensors.map(\.name) == ["a.b.weight"])
        #expect(try model(pickle, key: "x.y").tensors.count == 2)
        #expect(try model(twins, key: "c").tensors.map(\.name) == ["c.weight"])
        #expect(
            refused(twins, key: "d").hasPrefix(
                "has no state dictionary with the key 'd', and no tensor "))
    }

    @Test(arguments: [
        "ctorchvision.models.resnet\nResNet\n)\u{81}",
        "ccopy_reg\n_reconstructor\n(ctorchvision.models.resnet\nResNet\nNNtR",
    ])
    func aWholeModelIsSaid(object: String) throws {
        let module = "\(object)(S'_parameters'\n(dS'_modules'\n(ddb".replacing(")\u{81}", with: "(tR")
        let what = "an object of torchvision.models.resnet.ResNet, not its weights alone; load it in Python "
        #expect(refused(module).hasPrefix("holds a whole model, \(what)"))
        let nested = Self.dictionary([("epoch", "I1\n"), ("model", module)])
        #expect(refused(nested).hasPrefix("holds a whole model under model, \(what)"))
        #expect(refused(nested, key: "model").hasPrefix("holds a whole model under model, \(what)"))
    }

    @Test func aFileWithoutOneNamesItsKeys() {
        let pickle = Self.dictionary([("epoch", "I1\n"), ("optimizer", "(d")])
        #expect(
            refused(pickle)
                == "holds no state dictionary, but the keys epoch, optimizer; expected named tensors, as torch.save(model.state_dict(), FILE) writes them"
        )
    }
}
