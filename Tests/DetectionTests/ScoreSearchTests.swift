import Cluster
import Detection
import Inference
import Kernels
import Metrics
import Numerics
import TestSupport
import Testing
import Workers

/// Four classes with twenty features.
private let head = ScoringHead(
    weights: testValues(count: 80, stream: 1), bias: testValues(count: 4, stream: 2, scale: 0.1))

/// Non-negative features. Record `i` has class `i` mod 4; the larger `gain`, the more its feature
/// resembles the weights of that class.
private func shard(_ records: Range<Int>, stream: Int, gain: Float) -> FeatureShard {
    let drawn = testValues(count: records.upperBound * 20, stream: stream)
    let features = (20 * records.lowerBound..<20 * records.upperBound).map { place in
        max(drawn[place] + 0.3 + gain * head.weights[place / 20 % 4 * 20 + place % 20], 0)
    }
    return FeatureShard(features, head, microbatchSize: 8, first: records.lowerBound)
}

private func noImages() throws -> ImagePass { try NetworkExample().pass(over: []) }

private let searched = ScoreCatalogue.standard.scores.filter {
    $0.hasSearch && $0.networkCost == nil && $0 != .vim
}

@Suite(.slow, .timeLimit(.minutes(30))) struct ScoreSearchTests {
    private func fit(
        _ training: Range<Int> = 0..<250, _ validation: Range<Int> = 0..<61,
        on communicator: any Communicator = LocalCommunicator()
    ) throws -> FitContext {
        try FitContext(
            head: head, training: shard(training, stream: 3, gain: 1),
            validation: shard(validation, stream: 4, gain: 0.8), communicator: communicator)
    }

    private func search(_ fit: FitContext, _ records: Range<Int> = 0..<45) throws -> ScoreSearch {
        ScoreSearch(
            fit, outliers: shard(records, stream: 5, gain: 0.2), images: try noImages(),
            pool: WorkerPool(threads: 2))
    }

    private func area(_ score: any Score) throws -> Double {
        let sides = [shard(0..<61, stream: 4, gain: 0.8), shard(0..<45, stream: 5, gain: 0.2)].map {
            score.evaluate(ScoreInput(features: $0.features.span, logits: $0.logits.span, head: head))
                .confidences
        }
        return try RankingMetrics(inDistribution: sides[0], outOfDistribution: sides[1]).areaUnderROC
    }

    @Test(arguments: searched)
    func theFirstOfTheBestIsChosen(name: ScoreDefinition) throws {
        let fit = try fit()
        let grid = try name.searchGrid(fit)
        let areas = try grid.map { try area(name.makeScore(fit, settings: $0)) }
        let best = try #require(areas.firstIndex(of: areas.max()!))
        let (score, choice) = try search(fit).makeScore(name)
        #expect(choice?.settings == grid[best])
        #expect(choice?.areaUnderROC == areas[best])
        #expect(choice?.triedCount == grid.count)
        #expect(try area(score) == areas[best])
    }

    @Test(arguments: searched)
    func oneTwoAndFourRanksChooseTheSame(name: ScoreDefinition) throws {
        let choices = try [1, 2, 4].map { ranks in
            try ThreadedWorld.run(size: ranks) { rank, world in
                let own = { (count: Int) in
                    let tree = ReductionTree(sampleCount: count, microbatchSize: 8)
                    return tree.samples(inMicrobatches: tree.microbatches(ofRank: rank, worldSize: ranks))
                }
                let fit = try fit(
                    own(250), own(61), on: CheckedCommunicator(ThreadedCommunicator(rank: rank, of: world)))
                return try search(fit, own(45)).makeScore(name).choice
            }
        }.flatMap(\.self)
        #expect(choices[0] != nil && choices.allSatisfy { $0 == choices[0] })
    }

    /// The grid has as many settings as OpenOOD's, but no more dimensions than features and no more
    /// neighbours than records.
    @Test(arguments: [
        (ScoreDefinition.gen, 42), (.odin, 8), (.iodin, 8), (.react, 4), (.vra, 16), (.ash, 7), (.scale, 7),
        (.adascaleA, 36), (.adascaleL, 36), (.knn, 3), (.vim, 0), (.fdbd, 2), (.nci, 4), (.relation, 5),
        (.msp, 0), (.mds, 0),
    ])
    func theGridHasEverySettingThatFits(name: ScoreDefinition, count: Int) throws {
        #expect(try name.searchGrid(fit()).count == count)
        #expect(name.hasSearch == (count > 0 || name == .vim))
    }

    @Test func theFirstListVariesFastest() throws {
        let grid = try ScoreDefinition.vra.searchGrid(fit())
        #expect(grid[1].map(\.description) == ["high percentile 90", "low percentile 1"])
        #expect(grid[4].map(\.description) == ["high percentile 85", "low percentile 5"])
        #expect(
            try ScoreDefinition.gen.searchGrid(fit())[1].map(\.description) == ["exponent 0.1", "count 10"])
        #expect(try ScoreDefinition.fdbd.searchGrid(fit())[1].map(\.description) == ["divided by norm"])
    }

    @Test(arguments: [ScoreDefinition.msp, .vim])
    func withNothingToChooseAScoreIsAsItIs(name: ScoreDefinition) throws {
        let fit = try fit()
        let (score, choice) = try search(fit).makeScore(name)
        #expect(choice == nil)
        #expect(try area(score) == area(name.makeScore(fit)))
    }

    /// No scaling changes features of zeros, so all images are equal.
    @Test func ofSettingsThatAreAllAlikeTheFirstIsChosen() throws {
        let zeros = FeatureShard([Float](repeating: 0, count: 200), head, microbatchSize: 8)
        let fit = try FitContext(
            head: head, training: nil, validation: zeros, communicator: LocalCommunicator())
        let search = ScoreSearch(
            fit, outliers: zeros, images: try noImages(), pool: WorkerPool(threads: 1))
        let choice = try search.makeScore(.scale).choice
        #expect(choice?.areaUnderROC == 0.5)
        #expect(choice?.settings.map(\.description) == ["percentile 65"])
    }

    @Test func outliersThatAllLookMoreAtHomeAreAnError() throws {
        var outliers = FeatureShard(head: head, microbatchSize: 8)
        let some = shard(0..<20, stream: 4, gain: 0.8)
        outliers.add(
            features: some.features.map { 1000 * $0 }, logits: some.logits, labels: some.labels)
        let search = ScoreSearch(
            try fit(), outliers: outliers, images: try noImages(), pool: WorkerPool(threads: 1))
        let error = #expect(throws: FitError.self) { try search.makeScore(.scale) }
        #expect(
            error?.description.hasPrefix("score scale: no setting ranks a validation image above") == true)
    }

    @Test func aSettingWithoutNumbersIsNamed() throws {
        var outliers = shard(0..<20, stream: 4, gain: 0.2)
        outliers.add(
            features: [Float](repeating: .nan, count: 20), logits: [.nan, 0, 0, 0], labels: [-1])
        let search = ScoreSearch(
            try fit(), outliers: outliers, images: try noImages(), pool: WorkerPool(threads: 1))
        let error = #expect(throws: RankingMetricsError.self) { try search.makeScore(.react) }
        #expect(error?.score == "react, percentile 85")
        #expect(error?.dataset == "validation")
        #expect(error?.invalidCount == 1)
    }

    @Test(arguments: [ScoreDefinition.odin, .iodin, .adascaleA, .adascaleL])
    func aScoreOfTheNetworkIsSearchedFor(name: ScoreDefinition) throws {
        let example = try NetworkExample()
        let fit = try example.fit()
        let images = example.images(.queries, 0..<4).map { $0 * 0.5 }
        let outliers = try example.shard(of: images)
        let search = ScoreSearch(
            fit, outliers: outliers, images: example.pass(over: images), pool: WorkerPool(threads: 2))
        let (score, choice) = try search.makeScore(name)
        let inside = try example.evaluate(score, example.images(.validation, 0..<20)).confidences
        let outside = try example.evaluate(score, images).confidences
        let area = try RankingMetrics(inDistribution: inside, outOfDistribution: outside).areaUnderROC
        #expect(choice?.areaUnderROC == area)
    }

    /// Both scores and all 36 settings share the captured values.
    @Test func imagesAreGoneThroughOnceForAProbe() throws {
        let example = try NetworkExample()
        let fit = try example.fit()
        let images = example.images(.queries, 0..<4)
        let counter = Counter()
        let pass = ImagePass(example.network, firstRecord: 0) { body in
            counter.count += 1
            try example.forEachBatch(of: images, body)
        }
        let search = ScoreSearch(
            fit, outliers: try example.shard(of: images), images: pass, pool: WorkerPool(threads: 1))
        _ = try search.makeScore(.adascaleA)
        _ = try search.makeScore(.adascaleL)
        #expect(counter.count == 1)
    }
}

private final class Counter {
    var count = 0
}
