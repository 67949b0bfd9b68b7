import RunConfiguration
import TestSupport
import Testing

/// Texts that grow when their aliases are expanded, are deep or long, or have strange keys are
/// refused at once, with one short line.
@Suite(.timeLimit(.minutes(30))) struct HostileConfigurationTests {
    let folder: ScratchFolder

    init() throws { folder = try ScratchFolder() }

    private func message(_ text: String) throws -> String {
        let file = try folder.write(text, to: "a.yml")
        do throws(ConfigurationError) {
            _ = try RunConfiguration.load(files: [file], overrides: ["data.train=images"], names: names)
            return ""
        } catch {
            var short = error
            short.origin?.file = "a.yml"
            return short.description
        }
    }

    /// `levels` lists, each of which contains the one before nine times.
    private func bomb(_ levels: Int, indent: String = "  ") -> String {
        let first = "\(indent)- &a0 [x, x, x, x, x, x, x, x, x]\n"
        return first
            + (1..<levels).map { level in
                let names = Array(repeating: "*a\(level - 1)", count: 9).joined(separator: ", ")
                return "\(indent)- &a\(level) [\(names)]\n"
            }.joined()
    }

    @Test(arguments: ["name", "optimizer", "nonsense", "evaluation"], [5, 7, 9, 30])
    func anAliasBombIsRefusedAtOnce(key: String, levels: Int) throws {
        let clock = ContinuousClock()
        let start = clock.now
        #expect(
            try message("\(key):\n\(bomb(levels))")
                == "a.yml: the text is of more than 10000 values, aliases counted in full, expected lines of 'key: value'"
        )
        #expect(clock.now - start < .seconds(5))
    }

    /// The parser compares keys by their whole expansion.
    @Test(arguments: [
        "? *a8\n: 1\n", "*a8 : 1\n", "x: {[*a8]: 1}\n", "x: {{a: *a8}: 1}\n", "x: {? *a8 : 1}\n",
    ])
    func anAliasIsNoKey(tail: String) throws {
        #expect(
            try message("name:\n\(bomb(9))\(tail)")
                == "a.yml: the text is with lists, mappings or aliases for keys, expected lines of 'key: value'"
        )
    }

    @Test func keysInKeysAreFew() throws {
        let deep = String(repeating: "{", count: 200) + "a" + String(repeating: ": 1}", count: 200)
        #expect(try message("name: \(deep): 1\n").hasPrefix("a.yml"))
        #expect(
            try message(String(repeating: "? ", count: 200) + "a\n")
                == "a.yml: the text is with lists, mappings or aliases for keys, expected lines of 'key: value'"
        )
    }

    @Test func aliasesThatStandForLittleAreRead() throws {
        let text = """
            # *Sets* [near and far]: what is this? A list & more
            data: {train: &train images, validation: *train, test: *train}
            evaluation:
              near: &near
                tin: data/tin
              scores: &scores [msp, ebo]
            """
        let configuration = try RunConfiguration(yaml: text, file: "a.yml")
        #expect(configuration.data.validation == "images" && configuration.evaluation.near.names == ["tin"])
        // A document of few values may be too large, if a long value is repeated.
        let many =
            "data: {train: &a \(String(repeating: "x", count: 200_000))}\nnear: [*a, *a, *a, *a, *a, *a]\n"
        #expect(
            try message(many)
                == "a.yml: the text is of more than 1048576 bytes, aliases counted in full, expected lines of 'key: value'"
        )
    }

    @Test func nestingIsBounded() throws {
        let deep = { (count: Int) in
            "name: " + String(repeating: "[", count: count) + String(repeating: "]", count: count)
        }
        #expect(try message(deep(40)).contains("the text is nested more than 32 deep"))
        #expect(try message(deep(900)).contains("the text is nested more than 32 deep"))
        #expect(try message(deep(50_000)).contains("Maximum nesting level reached"))
        #expect(try message("name:\n\(String(repeating: "- ", count: 20_000))x\n").contains("nesting level"))
    }

    @Test func aLongTextIsNotRead() throws {
        let text = "name: " + String(repeating: "x", count: 3_000_000)
        #expect(try message(text).hasSuffix("a.yml is longer than 262144 bytes, expected a YAML file"))
        #expect(throws: ConfigurationError.self) { try RunConfiguration(yaml: text, file: "a.yml") }
        let endless = #expect(throws: ConfigurationError.self) {
            try RunConfiguration.load(files: ["/dev/zero"], names: names)
        }
        #expect(endless?.found == "longer than 262144 bytes")
    }

    @Test func quotedValuesAreCut() throws {
        let long = String(repeating: "x", count: 100_000)
        for text in [
            "training: {epochs: \(long)}", "\(long): 1", "name: [\(long)]", "network: {name: \(long)}",
            "evaluation: {near: {\(long): a}}",
            "training: {epochs: [\(String(repeating: "x, ", count: 9000))]}",
            "optimizer: {schedule: \(long)}", "a\n\(long): {",
        ] {
            let found = try message(text)
            #expect(found.utf8.count < 1000 && found.contains("expected"), "\(found.prefix(2000))")
        }
        let override = #expect(throws: ConfigurationError.self) {
            try RunConfiguration.load(files: [], overrides: ["training.epochs=\(long)"], names: names)
        }
        #expect(override.map { $0.description.utf8.count < 1000 } == true)
    }

    @Test func manySetsTakeNoLongTime() throws {
        let sets = (0..<4000).map { "    set\($0): data/\($0)\n" }.joined()
        let text = "data: {train: a, test: b}\nevaluation:\n  near:\n\(sets)"
        let start = threadTime()
        #expect(try RunConfiguration(yaml: text, file: "a.yml").evaluation.near.entries.count == 4000)
        // The limit is on this thread's CPU time, whatever else the machine does.
        #expect(threadTime() - start < .seconds(20))
    }

    @Test(arguments: [
        "a\u{1B}[2J", "a\u{7F}", "a\u{85}b", "a\u{2028}b", "a/b", "..", String(repeating: "x", count: 256),
    ])
    func aNameIsOneOfAFolder(name: String) throws {
        var configuration = RunConfiguration()
        configuration.data.train = "a"
        configuration.name = name
        #expect(throws: ConfigurationError.self) { try configuration.validate() }
    }
}
