import Cluster
import Detection
import Foundation
import Inference
import Numerics
import TestSupport
import Testing

/// One row of the contract table of scores that capture activations or perturb images: a score, its
/// name in the PyTorch reference, and its tolerance against that reference.
struct NetworkScoreRow: CustomTestStringConvertible, Sendable {
    let name: ScoreDefinition
    let fixture: String
    var score: @Sendable (FitContext) throws -> any Score
    /// The largest difference divided by `|value|`.
    var tolerance = 1e-4

    var testDescription: String { fixture }

    init(
        _ name: ScoreDefinition, fixture: String? = nil, tolerance: Double = 1e-4,
        _ score: (@Sendable (FitContext) throws -> any Score)? = nil
    ) {
        self.name = name
        self.fixture = fixture ?? name.name
        self.tolerance = tolerance
        self.score = score ?? { try name.makeScore($0) }
    }

    /// With the default settings, in the order of `ScoreCatalogue`.
    static let all = [
        NetworkScoreRow(.odin), NetworkScoreRow(.iodin), NetworkScoreRow(.adascaleA),
        NetworkScoreRow(.adascaleL), NetworkScoreRow(.rankfeat),
        // A deviation is divided by the end of its range, which may be a sum whose terms nearly
        // cancel.
        NetworkScoreRow(.gram, tolerance: 5e-3),
        NetworkScoreRow(.mdsEnsemble), NetworkScoreRow(.gmm, tolerance: 1e-3, smallMixture),
        NetworkScoreRow(.ensemble),
    ]

    /// The 120 directions span all that 120 images can have.
    @Sendable private static func smallMixture(_ fit: FitContext) throws -> any Score {
        try GaussianMixture(fit, components: 3, dimension: 8, more: 112, rounds: 1)
    }

    /// At T = 1000 all confidences are almost equal; at T = 1 they differ more.
    static let others = [
        NetworkScoreRow(.odin, fixture: "odin at 1") { _ in
            ImagePerturbation(.all, temperature: 1, magnitude: 0.02)
        },
        NetworkScoreRow(.iodin, fixture: "iodin at 1") { _ in
            ImagePerturbation(.steepest, temperature: 1, magnitude: 0.5)
        },
    ]
}

@Suite(.slow, .timeLimit(.minutes(30))) struct NetworkScoreTests {
    @Test(arguments: NetworkScoreRow.all + NetworkScoreRow.others)
    func matchesPyTorch(row: NetworkScoreRow) throws {
        let fixture = try NetworkScoreFixture.load()
        #expect(fixture.cases.count == 2)
        for example in fixture.cases {
            let network = try NetworkExample(example)
            let expected = try #require(example.confidences[row.fixture])
            let found = try network.evaluateQueries(row.score(network.fit())).confidences
            #expect(found.count == expected.count)
            for (found, expected) in zip(found, expected) {
                #expect(abs(Double(found) - expected) <= row.tolerance * abs(expected), "\(example.network)")
            }
        }
    }

    @Test(arguments: NetworkScoreRow.all)
    func aSampleDoesNotDependOnItsBatch(row: NetworkScoreRow) throws {
        let example = try NetworkExample()
        let score = try row.score(example.fit())
        let together = try example.evaluateQueries(score)
        for sample in 0..<4 {
            let alone = try example.evaluateQueries(score, sample..<sample + 1)
            #expect(alone.confidences[0].bitPattern == together.confidences[sample].bitPattern)
            #expect(alone.predictions[0] == together.predictions[sample])
        }
    }

    @Test(arguments: NetworkScoreRow.all)
    func aNaNIsNotHidden(row: NetworkScoreRow) throws {
        let example = try NetworkExample()
        var images = example.images(.queries, 0..<2)
        images[5] = .nan
        let result = try example.evaluate(row.score(example.fit()), images)
        #expect(result.confidences[0].isNaN)
        #expect(result.confidences[1].isFinite)
    }

    @Test(arguments: NetworkScoreRow.all)
    func noSamplesGiveNoScores(row: NetworkScoreRow) throws {
        let example = try NetworkExample()
        let result = try example.evaluate(row.score(example.fit()), [])
        #expect(result == ScoredSamples(confidences: [], predictions: []))
    }

    @Test(arguments: NetworkScoreRow.all)
    func itsCostIsSaid(row: NetworkScoreRow) throws {
        #expect(row.name.networkCost?.contains(" for each image scored") == true)
    }

    @Test func scoresOfFeaturesCostNothing() {
        let names = ScoreCatalogue.standard.scores.filter { $0.networkCost == nil }
        #expect(names == ScoreRow.all.map(\.name) + FeatureScoreRow.all.map(\.name))
    }

    /// 120 training and 20 validation images in microbatches of 8, which four ranks cannot divide
    /// evenly.
    private func bits(_ row: NetworkScoreRow, ranks: Int) throws -> [UInt64] {
        let parts = try ThreadedWorld.run(size: ranks) { rank, world in
            let example = try NetworkExample()
            let own = { (images: NetworkExample.Images) in
                let tree = ReductionTree(
                    sampleCount: images.count, microbatchSize: NetworkExample.microbatchSize)
                return tree.samples(inMicrobatches: tree.microbatches(ofRank: rank, worldSize: ranks))
            }
            let fit = try example.fit(
                training: own(.training), validation: own(.validation),
                on: ThreadedCommunicator(rank: rank, of: world))
            return try example.evaluateQueries(row.score(fit)).confidences.map(\.bitPattern)
        }
        #expect(parts.allSatisfy { $0 == parts[0] })
        return parts[0]
    }

    @Test(arguments: NetworkScoreRow.all.filter { $0.name.inputs.areFitted })
    func oneTwoAndFourRanksGiveTheSameBits(row: NetworkScoreRow) throws {
        let one = try bits(row, ranks: 1)
        #expect(Set(one).count == 4)
        #expect(try bits(row, ranks: 2) == one)
        #expect(try bits(row, ranks: 4) == one)
    }

    /// Scores in one table share what probes of one key capture.
    @Test func mixturesOfOtherSettingsHaveOtherKeys() throws {
        let fit = try NetworkExample().fit()
        let keys = try [3, 4].map { components in
            try GaussianMixture(fit, components: components, dimension: 8, more: 4, rounds: 1).probe?.key
        }
        #expect(keys[0] != nil && keys[0] != keys[1])
    }

    /// With 12 images in ten classes, gram's split leaves some class without an image.
    @Test(arguments: [(ScoreDefinition.gram, 12), (.mdsEnsemble, 9)])
    func aClassWithoutARecordIsNamed(name: ScoreDefinition, count: Int) throws {
        let example = try NetworkExample()
        let fit = try example.fit(training: 0..<count)
        let error = #expect(throws: FitError.self) { try name.makeScore(fit) }
        #expect(error?.description.hasPrefix("score \(name.name): class ") == true)
        #expect(error?.description.contains("has no record among the nine tenths") == (name == .gram))
    }

    /// An activation map of rank 1, one channel vector times one spatial pattern, consists of its
    /// largest component alone.
    @Test func anImageOfOneColourHasFiniteConfidences() throws {
        let example = try NetworkExample()
        let fit = try example.fit()
        for row in NetworkScoreRow.all {
            let result = try example.evaluate(
                row.score(fit), [Float](repeating: 0, count: example.imageCount))
            #expect(result.confidences[0].isFinite, "\(row.name)")
        }
    }

    @Test func withoutAValidationSetTheTrainingSetServes() throws {
        let example = try NetworkExample()
        let images = example.images(.training, 0..<24)
        let training = try example.shard(of: images)
        let alone = try FitContext(
            head: example.head, training: training, validation: nil,
            trainingImages: example.pass(over: images),
            communicator: LocalCommunicator())
        let twice = try FitContext(
            head: example.head, training: nil, featureMean: alone.featureMean, validation: training,
            validationImages: example.pass(over: images), communicator: LocalCommunicator())
        let name = ScoreDefinition.adascaleA
        #expect(
            try example.evaluateQueries(name.makeScore(alone))
                == example.evaluateQueries(name.makeScore(twice)))
    }
}
