import RunConfiguration
import Testing

/// Texts that YAML's versions read differently, values of `--set`, and several faults at once.
@Suite(.timeLimit(.minutes(30))) struct NumbersAndFaultsTests {
    let folder: ScratchFolder

    init() throws { folder = try ScratchFolder() }

    private func load(_ text: String, _ overrides: [String] = []) throws -> RunConfiguration {
        let file = try folder.write(text, to: "a.yml")
        return try RunConfiguration.load(
            files: [file], overrides: ["data.train=images"] + overrides, names: names)
    }

    private func error(_ text: String, _ overrides: [String] = []) throws -> ConfigurationError? {
        do {
            _ = try load(text, overrides)
            return nil
        } catch let error as ConfigurationError {
            return error
        }
    }

    @Test(arguments: [
        "010", "007", "08", "1:30", "1:30:00", "-010", "+012", "0x10", "0b11", "0o17", "0_8", "00",
    ])
    func numbersThatAreNotPlainlyDecimalAreRefused(number: String) throws {
        for key in ["seed", "training.epochs", "optimizer.learningRate", "head.temperature"] {
            let found = try #require(refusal(of: "\(key)=\(number)"))
            #expect(
                found.key == key && found.found == number && found.expected.contains("decimal"), "\(found)")
            #expect(found.others.isEmpty)
        }
        let list = try #require(refusal(of: "data.transform.mean=[0.5, \(number), 0.5]"))
        #expect(list.key == "data.transform.mean" && list.expected.contains("decimal"))
        let written = try #require(try error("training:\n  epochs: \(number)\n"))
        #expect(written.origin?.line == 2 && written.expected.contains("decimal"))
    }

    @Test(arguments: [("10", 10), ("+10", 10), ("1_000", 1000), ("0", 0)])
    func decimalNumbersAreThoseThatAreWritten(text: String, value: UInt64) throws {
        #expect(try load("seed: \(text)\n").seed == value)
    }

    @Test(arguments: [("0.5", 0.5), (".5", 0.5), ("5e-1", 0.5), ("1e-06", 1e-6), ("1", 1)])
    func realNumbersAreThoseThatAreWritten(text: String, value: Double) throws {
        #expect(
            try load("optimizer: {learningRate: \(text), minimumLearningRate: 0}\n").optimizer.learningRate
                == value)
    }

    /// Texts may look like numbers.
    @Test(arguments: ["010", "1:30", "0x10"]) func aNameIsNoNumber(name: String) throws {
        #expect(try load("name: \(name)\n").name == name)
        #expect(try load("", ["name=\(name)"]).name == name)
    }

    @Test(arguments: [
        ("run #5", "run #5"), ("#5", "#5"), ("a: b", "a: b"), ("- a", "- a"), ("*a", "*a"), ("&a b", "&a b"),
        ("!a", "!a"),
        ("[a", "[a"), ("{a}", "{a}"), ("a=b", "a=b"), ("'it''s #1'", "it's #1"), ("\"a b\"", "a b"),
        ("  x  ", "x"),
        ("%a", "%a"), ("@a", "@a"), ("| a", "| a"), ("> a", "> a"), ("true", "true"),
    ])
    func aTextOnTheCommandLineKeepsItsCharacters(written: String, value: String) throws {
        #expect(try load("", ["name=\(written)"]).name == value)
        let near = try load("data: {test: t}\n", ["evaluation.near.tin=\(written)"]).evaluation.near
        #expect(near == ["tin": value])
    }

    @Test func aTextIsEmptiedOnTheCommandLine() throws {
        for text in ["data.validation=", "data.validation=''", "data.validation=\"\""] {
            #expect(try load("data: {validation: v}\n", [text]).data.validation == "")
        }
        #expect(refusal(of: "seed=")?.found == "empty")
    }

    @Test func anEmptyMappingEmptiesOneThatTakesAnyKey() throws {
        let text = "data: {test: t}\nevaluation:\n  near: {a: b}\n  far: {svhn: x, dtd: y}\n"
        let read = try load(text, ["evaluation.far={}"])
        #expect(read.evaluation.far.isEmpty && read.evaluation.near.names == ["a"])
        #expect(try load(text, ["evaluation.far={}", "evaluation.far.new=z"]).evaluation.far == ["new": "z"])
        #expect(try load(text, ["evaluation={near: {}, far: {}}"]).evaluation == EvaluationConfiguration())
        // An empty mapping does not remove settings that always exist.
        #expect(try load("optimizer: {momentum: 0.5}\n", ["optimizer={}"]).optimizer.momentum == 0.5)
    }

    @Test(arguments: [
        "a\nb", "a\tb", "a\rb", "a\u{1B}[2J", "a\u{202E}b", "a\u{200B}b", "a\u{FEFF}b", "\u{0}", "a\u{9B}b",
    ])
    func namesWithControlCharactersAreRefused(name: String) throws {
        #expect(refusal(of: "name=\(name)")?.key == "name")
        #expect(refusal(of: "output=\(name)")?.key == "output")
        var configuration = RunConfiguration()
        configuration.data.train = "images"
        configuration.name = name
        #expect(throws: ConfigurationError.self) { try configuration.validate() }
    }

    @Test func lettersOfAllScriptsMakeNames() throws {
        for name in ["ResNet ö", "模型", "می\u{200C}خواهم", "👩\u{200D}🔬"] {
            #expect(try load("", ["name=\(name)"]).name == name)
        }
    }

    @Test func allFaultsAreToldAtOnce() throws {
        let found = try #require(
            try error(
                """
                nmae: x
                seed: abc
                optimizer: {momentum: 7, nesterov: 3}
                training:
                  epochs: 010
                  keep: 0
                head: {name: t2}
                network: {name: resnet21}
                """, ["loss.smoothing=2"]))
        let keys = ([found] + found.others).map(\.key)
        #expect(
            Set(keys) == [
                "nmae", "training.epochs", "seed", "optimizer.nesterov", "optimizer.momentum",
                "training.keep", "head.name",
                "loss.smoothing", "network.name",
            ])
        #expect(keys.count == 9 && keys[0] == "nmae")
        for part in [
            "a.yml, line 2: seed is abc", "a.yml, line 5: training.epochs is 010", "--set loss.smoothing=2: ",
        ] {
            #expect(found.description.contains(part), "\(found)")
        }
        #expect(!found.description.contains("\n"))
    }

    @Test func whatFollowsFromAFaultIsNoOther() throws {
        let misspelled = try #require(
            throws: ConfigurationError.self
        ) {
            try RunConfiguration(yaml: "data: {trian: a}\n", file: "a.yml")
        }
        #expect(misspelled.key == "data.trian" && misspelled.others.isEmpty, "\(misspelled)")
        let batch = try #require(try error("training: {batch: 100, microbatch: 64}\n"))
        #expect(batch.key == "training.batch" && batch.others.isEmpty, "\(batch)")
    }

    @Test func aThousandFaultsAreNotAllTold() throws {
        let text = (0..<1000).map { "key\($0): 1\n" }.joined()
        let found = try #require(try error(text))
        #expect(found.others.count == 11)
        #expect(found.description.utf8.count < 8192)
    }
}
