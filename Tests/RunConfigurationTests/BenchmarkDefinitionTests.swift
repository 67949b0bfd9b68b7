import Foundation
import RunConfiguration
import Testing

@Suite(.timeLimit(.minutes(30))) struct BenchmarkDefinitionTests {
    private static let shipped = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "../../configs/benchmarks").standardizedFileURL.path

    private func read(_ text: String) throws(ConfigurationError) -> BenchmarkDefinition {
        try BenchmarkDefinition(yaml: text, file: "mine.yml")
    }

    @Test(arguments: [
        ("cifar10", ["cifar100", "tin"], ["mnist", "svhn", "texture", "places365"], ["cifar10c"]),
        ("cifar100", ["cifar10", "tin"], ["mnist", "svhn", "texture", "places365"], []),
        (
            "imagenet200", ["ssb_hard", "ninco"], ["inaturalist", "textures", "openimage_o"],
            ["imagenet_v2", "imagenet_c", "imagenet_r"]
        ),
        (
            "imagenet1k", ["ssb_hard", "ninco"], ["inaturalist", "textures", "openimage_o"],
            ["imagenet_v2", "imagenet_c", "imagenet_r", "imagenet_es"]
        ),
    ])
    func theShippedBenchmarksAreOpenOODs(
        name: String, near: [String], far: [String], csid: [String]
    ) throws {
        let benchmark = try BenchmarkDefinition(file: "\(Self.shipped)/\(name).yml")
        #expect(benchmark.name == name)
        #expect(benchmark.near.map(\.name) == near)
        #expect(benchmark.far.map(\.name) == far)
        #expect(benchmark.csid.map(\.name) == csid)
        #expect(benchmark.test.count == (name == "imagenet1k" ? 45000 : 9000))
        #expect(benchmark.train != nil && benchmark.validation != nil && benchmark.oodValidation != nil)
        // Every full table of T2FNorm has the benchmark's rows in their order.
        let tables = benchmark.published.filter { $0.training == "T2FNorm" }
        #expect(tables.count == (csid.isEmpty || name == "cifar10" ? 1 : 2))
        for table in tables {
            #expect(table.rows.map(\.name) == near + ["nearood"] + far + ["farood"])
            #expect(table.rows.allSatisfy { $0.values.count == 4 && $0.values.allSatisfy { $0 != nil } })
        }
    }

    @Test func thePublishedNumbersAreThoseOfTheTables() throws {
        let benchmark = try BenchmarkDefinition(file: "\(Self.shipped)/cifar10.yml")
        let ours = try #require(benchmark.published.first)
        #expect(ours.accuracy == .init(mean: 94.69, deviation: 0.07))
        let far = try #require(ours.rows.last)
        #expect(far.values[1] == .init(mean: 96.98, deviation: 0.23))
        let peer = try #require(benchmark.published.first { $0.training == "CE" && $0.score == "ebo" })
        #expect(peer.rows.map(\.values) == [[nil, .init(mean: 87.58)], [nil, .init(mean: 91.21)]])
        #expect(benchmark.far[1].hash == "7ce26f26557d37e0")
        let large = try BenchmarkDefinition(file: "\(Self.shipped)/imagenet1k.yml")
        #expect(large.csid.map(\.isOptional) == [false, false, false, true])
        #expect(large.published.filter(\.isFullSpectrum).count > 20)
    }

    /// Mean rows of the published tables are the means of their sets' rows, to rounding.
    @Test(arguments: ["cifar10", "cifar100", "imagenet200", "imagenet1k"])
    func publishedMeansAreThoseOfTheirRows(name: String) throws {
        let benchmark = try BenchmarkDefinition(file: "\(Self.shipped)/\(name).yml")
        for table in benchmark.published where table.training == "T2FNorm" {
            for (mean, sets) in [("nearood", benchmark.near), ("farood", benchmark.far)] {
                for column in 0..<4 {
                    let value = { (row: String) in
                        table.rows.first { $0.name == row }?.values[column]?.mean ?? .nan
                    }
                    let expected = sets.reduce(0) { $0 + value($1.name) } / Double(sets.count)
                    #expect(abs(value(mean) - expected) < 0.011, "\(name), \(mean), column \(column)")
                }
            }
        }
    }

    @Test func tenLinesMakeABenchmark() throws {
        let benchmark = try read(
            """
            name: birds
            data: data/birds
            test: test
            near:
              other-birds:
              bats: night/bats
            far:
              planes: {folder: /sets/planes, count: 12, hash: 00ff}
            csid:
              drawings: {optional: true}
            """)
        #expect(benchmark.data == "data/birds")
        #expect(benchmark.test == .init(name: "test", folder: "test"))
        #expect(benchmark.near.map(\.folder) == ["other-birds", "night/bats"])
        #expect(benchmark.far[0].folder == "/sets/planes")
        #expect(benchmark.far[0].count == 12 && benchmark.far[0].hash == "00ff")
        #expect(benchmark.csid[0].isOptional)
        #expect(benchmark.published.isEmpty)
    }

    @Test(arguments: [
        ("test: a\nnear: {b: c}\n", "mine.yml, line 1: name is missing, expected the benchmark's name"),
        (
            "name: a/b\ntest: a\nnear: {b: c}",
            "mine.yml, line 1: name is a/b, expected the name of a folder, without '/'"
        ),
        ("name: a\nnear: {b: c}\n", "mine.yml, line 1: test is missing, expected a packed dataset"),
        (
            "name: a\ntest: b\n",
            "mine.yml, line 1: near is missing, expected at least one set in near or far"
        ),
        (
            "name: a\ntest: b\nneer: {b: c}\n",
            """
            mine.yml, line 3: neer is unknown, expected one of the keys name, title, data, train, validation, oodValidation, \
            test, near, far, csid, published; did you mean near?
            """
        ),
        (
            "name: a\ntest: b\nnear: {c: {count: 0}}\n",
            "mine.yml, line 3: near.c.count is 0, expected a whole number from 1"
        ),
        (
            "name: a\ntest: b\nnear: {c: d}\nfar: {c: d}\n",
            "mine.yml, line 1: c is written twice, expected each set in one of near, far and csid"
        ),
        (
            "name: a\ntest: b\nnear: {nearood: d}\n",
            "mine.yml, line 1: nearood is the name of a set, expected a name without '/' that is not nearood, farood or the benchmark's"
        ),
        (
            "name: a\ntest: b\nnear: {c: d}\npublished:\n- {training: CE, score: msp, task: both, rows: {}}\n",
            "mine.yml, line 5: published.task is both, expected ood or fsood"
        ),
        (
            "name: a\ntest: b\nnear: {c: d}\npublished:\n- {training: CE, score: msp, task: ood, rows: {c: [much]}}\n",
            "mine.yml, line 5: published.rows.c is much, expected a number, or two as in 22.33 ± 0.37"
        ),
    ])
    func whatCannotBeUsedIsNamedWithItsLine(text: String, message: String) {
        do throws(ConfigurationError) {
            _ = try read(text)
            Issue.record("it was taken")
        } catch {
            #expect(error.description == message)
        }
    }
}
