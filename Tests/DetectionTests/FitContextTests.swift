import Cluster
import Detection
import Foundation
import Inference
import Kernels
import Numerics
import TestSupport
import Testing
import Workers

/// Values of very different magnitudes, so that another summation order gives other bits; one in
/// nine is 0.
private func value(_ index: Int, _ step: Int) -> Float {
    guard !index.isMultiple(of: 9) else { return 0 }
    return Float((index * step + 13) % 1021) / 1021 * exp2(Float((index * 31) % 9 - 6))
}

/// Three classes with seven features.
private let head = ScoringHead(
    weights: (0..<21).map { value($0 + 1, 7919) - 0.5 }, bias: [0.1, -0.2, 0.05])

private func shard(_ records: Range<Int>, step: Int, microbatchSize: Int = 8) -> FeatureShard {
    FeatureShard(
        (7 * records.lowerBound..<7 * records.upperBound).map { value($0, step) }, head,
        microbatchSize: microbatchSize,
        first: records.lowerBound)
}

@Suite(.timeLimit(.minutes(30))) struct FitContextTests {
    /// 131 training, 61 validation and 45 scored records in microbatches of 8: no set divides
    /// evenly.
    private func bits(_ name: ScoreDefinition, ranks: Int) throws -> [UInt64] {
        let parts = try ThreadedWorld.run(size: ranks) { rank, world in
            let communicator = ThreadedCommunicator(rank: rank, of: world)
            let own = { (count: Int, step: Int) in
                let tree = ReductionTree(sampleCount: count, microbatchSize: 8)
                return shard(
                    tree.samples(inMicrobatches: tree.microbatches(ofRank: rank, worldSize: ranks)),
                    step: step)
            }
            let fit = try FitContext(
                head: head, training: own(131, 389), validation: own(61, 577), outliers: own(107, 883),
                communicator: communicator)
            let score = try name.makeScore(fit)
            let samples = own(45, 6007)
            if let score = score.sharded {
                return try score.confidences(of: samples, on: communicator, pool: WorkerPool(threads: 1))
            }
            return score.evaluate(
                ScoreInput(features: samples.features.span, logits: samples.logits.span, head: head)
            ).confidences
        }
        return parts.flatMap(\.self).map(\.bitPattern)
    }

    @Test(arguments: ScoreCatalogue.standard.scores.filter { $0.networkCost == nil })
    func oneTwoAndFourRanksGiveTheSameBits(name: ScoreDefinition) throws {
        let one = try bits(name, ranks: 1)
        #expect(one.count == 45 && Set(one).count > (name == .cfood ? 1 : 20))
        #expect(try bits(name, ranks: 2) == one)
        #expect(try bits(name, ranks: 4) == one)
    }

    @Test(arguments: [ScoreDefinition.knn, .relation, .cfood, .grood], [1, 3])
    func threadsDoNotMatter(name: ScoreDefinition, threads: Int) throws {
        let fit = try fit(training: shard(0..<131, step: 389))
        let score = try #require(try name.makeScore(fit).sharded)
        let samples = shard(0..<101, step: 6007)
        let found = try score.confidences(
            of: samples, on: LocalCommunicator(), pool: WorkerPool(threads: threads))
        let expected = score.evaluate(
            ScoreInput(features: samples.features.span, logits: samples.logits.span, head: head))
        #expect(found == expected.confidences)
    }

    private func fit(training: FeatureShard, validation: FeatureShard? = nil) throws -> FitContext {
        try FitContext(
            head: training.head, training: training, validation: validation,
            outliers: FeatureShard(
                (0..<3 * training.head.dimension).map { value($0 + 1, 883) }, training.head, microbatchSize: 8
            ),
            communicator: LocalCommunicator())
    }

    @Test(
        arguments: ScoreCatalogue.standard.scores.filter {
            $0.inputs == .validationFeatures && $0.networkCost == nil
        })
    func withoutAValidationSetTheTrainingSetServes(name: ScoreDefinition) throws {
        let samples = shard(0..<5, step: 6007)
        let input = ScoreInput(features: samples.features.span, logits: samples.logits.span, head: head)
        let training = shard(0..<131, step: 389)
        let alone = try name.makeScore(fit(training: training)).evaluate(input)
        let twice = try name.makeScore(fit(training: shard(0..<70, step: 577), validation: training))
            .evaluate(input)
        #expect(alone == twice)
    }

    @Test(arguments: [ScoreDefinition.mds, .rmds, .she, .grood])
    func aClassWithoutARecordIsNamed(name: ScoreDefinition) throws {
        var training = FeatureShard(head: head, microbatchSize: 8)
        let some = shard(0..<60, step: 389)
        training.add(
            features: some.features, logits: some.logits, labels: some.labels.map { $0 == 1 ? 2 : $0 })
        let fit = try fit(training: training)
        let error = #expect(throws: FitError.self) { try name.makeScore(fit) }
        #expect(
            error?.description
                == """
                score \(name.name): class 1 has no record in the training set, expected at least one of each class; \
                leave the score out or use the whole set
                """)
    }

    @Test func aTrainingFeatureThatIsNaNIsANumericError() throws {
        var training = shard(0..<20, step: 389)
        training.add(
            features: [1, 2, 3, .nan, 5, 6, 7], logits: [0, 0, 0], labels: [1])
        let error = #expect(throws: FitError.self) { try fit(training: training) }
        #expect(error?.isNumeric == true)
        #expect(error?.description.hasPrefix("1 of 21 records of the training set") == true)
    }

    @Test func aLabelThatIsNoClassIsCounted() throws {
        var validation = shard(0..<20, step: 389)
        validation.add(
            features: shard(0..<2, step: 577).features, logits: [0, 0, 0, 0, 0, 0], labels: [3, -1])
        let error = #expect(throws: FitError.self) {
            try fit(training: shard(0..<9, step: 389), validation: validation)
        }
        #expect(
            error?.description
                == "2 of 22 records of the validation set have labels out of range, expected 0 to 2")
    }

    @Test func anEmptySetIsRefused() throws {
        let error = #expect(throws: FitError.self) { try fit(training: shard(0..<0, step: 389)) }
        #expect(error?.reason == "the training set has no record to fit scores on")
    }

    /// One feature and two prototypes, that of a class and that of the outliers; worked by hand.
    @Test func theGradientIsThatOfTheOutlierPrototype() throws {
        let head = ScoringHead(weights: [1], bias: [0])
        let fit = try FitContext(
            head: head, training: FeatureShard([2, 4], head, microbatchSize: 8), validation: nil,
            outliers: FeatureShard([0, -2], head, microbatchSize: 8), communicator: LocalCommunicator())
        // The prototypes are 3 and −1. The gradients of 2 and 4 are q = 1 / (1 + exp(d_o − d)),
        // where d_o is 3 and 5, and d is 1 and 1.
        let gradients = [1 / (1 + exp(2.0)), 1 / (1 + exp(4.0))]
        // The gradient of 0 is 1 / (1 + exp(1 − 3)), that of −2 is −1 / (1 + exp(1 − 5)), and that
        // of the prototype itself is 0.
        let queries = [1 / (1 + exp(-2.0)), -1 / (1 + exp(-4.0)), 0]
        let features: [Float] = [0, -2, -1]
        let found = try GradientNeighbors(fit).evaluate(
            ScoreInput(features: features.span, logits: features.span, head: head))
        for (found, query) in zip(found.confidences, queries) {
            let expected = -gradients.map { ($0 - query) * ($0 - query) }.min()!
            #expect(abs(Double(found) - expected) <= 1e-6)
        }
    }

    @Test func withoutARecordPredictedRightThereIsNoGradient() throws {
        var training = FeatureShard(head: head, microbatchSize: 8)
        let some = shard(0..<60, step: 389)
        training.add(
            features: some.features,
            logits: some.labels.flatMap { label in (0..<3).map { $0 == label ? -1 : 0 } },
            labels: some.labels)
        let fit = try fit(training: training)
        let error = #expect(throws: FitError.self) { try ScoreDefinition.grood.makeScore(fit) }
        #expect(
            error?.description.hasPrefix("score grood: no record of the training set is predicted correctly")
                == true)
    }

    @Test func outliersNeedNoLabelsButNumbers() throws {
        let training = shard(0..<60, step: 389)
        for (feature, isFine) in [(Float(1), true), (.nan, false)] {
            var outliers = FeatureShard(head: head, microbatchSize: 8)
            outliers.add(features: [feature, 2, 3, 4, 5, 6, 7], logits: [0, 0, 0], labels: [-1])
            let fit = {
                try FitContext(
                    head: head, training: training, validation: nil, outliers: outliers,
                    communicator: LocalCommunicator())
            }
            if isFine {
                _ = try ScoreDefinition.grood.makeScore(fit())
            } else {
                let error = #expect(throws: FitError.self) { try fit() }
                #expect(
                    error?.reason.hasPrefix("1 of 1 records of the out-of-distribution validation set")
                        == true)
            }
        }
    }

    /// The mean feature over more and more passes approaches the feature itself.
    @Test func dropoutOfManyPassesIsTheLargestProbability() throws {
        let samples = shard(0..<20, step: 6007)
        let input = ScoreInput(features: samples.features.span, logits: samples.logits.span, head: head)
        let plain = try ScoreDefinition.msp.makeScore().evaluate(input).confidences
        let distances = [5, 20_000].map { passes in
            let input = ScoreInput(features: samples.features.span, logits: samples.logits.span, head: head)
            return zip(MonteCarloDropout(passes: passes).evaluate(input).confidences, plain)
                .map { abs($0 - $1) }.max()!
        }
        #expect(distances[0] > 0.02 && distances[1] < 0.01)
        let kept = MonteCarloDropout(rate: 0, passes: 1).evaluate(input).confidences
        for (kept, plain) in zip(kept, plain) { #expect(abs(kept - plain) <= 1e-6) }
    }

    @Test func moreNeighborsThanRecordsAreRefused() throws {
        let fit = try fit(training: shard(0..<49, step: 389))
        let error = #expect(throws: FitError.self) { try ScoreDefinition.knn.makeScore(fit) }
        #expect(error?.reason == "49 training records for neighbour 50, expected at least 50 records")
    }

    @Test func aPrincipalSpaceOfAllDimensionsIsRefused() throws {
        let fit = try fit(training: shard(0..<49, step: 389))
        let error = #expect(throws: FitError.self) { try VirtualLogit(fit, dimension: 7) }
        #expect(error?.description.hasPrefix("score vim: a principal space of 7 of 7 dimensions") == true)
        #expect(throws: FitError.self) { try Residual(fit, dimension: 512) }
    }

    @Test(arguments: [ScoreDefinition.mds, .rmds, .ssd])
    func equalFeaturesLeaveNoCovariance(name: ScoreDefinition) throws {
        let features = [[Float]](repeating: [1, 0, 2, 0, 4, 0, 2], count: 60).flatMap(\.self)
        let fit = try fit(training: FeatureShard(features, head, microbatchSize: 8))
        let error = #expect(throws: FitError.self) { try name.makeScore(fit) }
        #expect(error?.description.contains("all fitted features are equal") == true)
    }

    @Test(
        arguments: ScoreCatalogue.standard.scores.filter {
            !$0.inputs.isDisjoint(with: [.validationFeatures, .trainingFeatures]) && $0.networkCost == nil
        })
    func oneClassAndOneFeatureAreEnough(name: ScoreDefinition) throws {
        let head = ScoringHead(weights: [0.5], bias: [0.25])
        let training = FeatureShard((0..<60).map { value($0 + 1, 389) }, head, microbatchSize: 8)
        let fit = try fit(training: training)
        let result = try name.makeScore(fit).evaluate(
            ScoreInput(features: [0.5, 2].span, logits: [0.5, 1.25].span, head: head))
        #expect(result.confidences.filter(\.isFinite).count == 2)
        #expect(result.predictions == [0, 0])
    }

    /// With 21 records of 40 features, covariances have no inverse and principal spaces have more
    /// directions than there are records.
    @Test(
        arguments: ScoreCatalogue.standard.scores.filter {
            $0.inputs.areFitted && $0.networkCost == nil && ![.knn, .openmax].contains($0)
        })
    func moreFeaturesThanRecordsGiveFiniteConfidences(name: ScoreDefinition) throws {
        let head = ScoringHead(
            weights: (0..<120).map { value($0 + 1, 7919) - 0.5 }, bias: [0.1, -0.2, 0.05])
        let fit = try fit(
            training: FeatureShard((0..<840).map { value($0, 389) }, head, microbatchSize: 8))
        let features = (0..<80).map { value($0, 6007) }
        let result = try name.makeScore(fit).evaluate(
            ScoreInput(features: features.span, logits: logits(of: features, head).span, head: head))
        #expect(result.confidences.filter(\.isFinite).count == 2)
    }

    /// The values next to the thresholds lie on both sides of 0 and of powers of two.
    @Test(arguments: [0.0, 12.5, 50, 61, 100])
    func percentilesAreExact(percentile: Double) throws {
        let head = ScoringHead(weights: [1], bias: [0])
        let features: [Float] = [3, -1, 0, 1.5, -2.5, 4, 0.25, -0.0, 1e-30]
        let training = FeatureShard(features, head, microbatchSize: 2)
        let clipping = try FeatureClipping(fit(training: training), percentile: percentile)
        let sorted = features.sorted()
        let place = percentile / 100 * 8
        let (below, above) = (Double(sorted[Int(place)]), Double(sorted[min(Int(place) + 1, 8)]))
        #expect(clipping.threshold == Float(below + (above - below) * (place - place.rounded(.down))))
    }

    @Test func vraOfThePaperSetsLowFeaturesToZero() throws {
        let example = WorkedClassifier()
        let score = try FeatureRectification(example.fit(), percentiles: 25...40, lowFeatures: .zeroed)
        // In query a only 2.5 is at least 1.4375, and it is clipped to 1.75; in query b only 1.5
        // is.
        let result = example.evaluate(score, head: example.plainHead)
        let expected = [[1.4125, -0.2, 0.4875], [-0.275, -0.2, 0.425]].map { row in
            log(row.map { exp($0) }.reduce(0, +))
        }
        for (found, expected) in zip(result.confidences, expected) {
            #expect(abs(Double(found) - expected) <= 1e-6)
        }
    }

    @Test func theBestTemperatureHasNoSlope() throws {
        let example = WorkedClassifier()
        let best = try TemperatureScaling(example.fit(), search: .minimum).temperature
        let validation = example.shard(20..<26)
        func loss(_ temperature: Double) -> Double {
            (0..<6).map { record in
                let row = validation.logits[3 * record..<3 * record + 3].map { Double($0) / temperature }
                return log(row.map { exp($0) }.reduce(0, +)) - row[Int(validation.labels[record])]
            }.reduce(0, +)
        }
        #expect(loss(best) <= loss(best * 1.01) && loss(best) <= loss(best / 1.01))
        let published = try TemperatureScaling(example.fit()).temperature
        #expect(abs(published - 1.4034261159) <= 1e-6)
        #expect(loss(best) < loss(published))
    }

    @Test func aSpreadBankHasRecordsOfAllOfTheSet() throws {
        let fit = try fit(training: shard(0..<450, step: 389))
        let samples = shard(0..<5, step: 6007)
        let input = ScoreInput(features: samples.features.span, logits: samples.logits.span, head: head)
        let spread = try NearestNeighborGuidance(fit, bank: .spread).evaluate(input).confidences
        // The spread bank of 450 records has four of them: 0, 113, 225 and 338.
        var few = FeatureShard(head: head, microbatchSize: 8)
        for record in [0, 113, 225, 338] {
            let own = shard(record..<record + 1, step: 389)
            few.add(features: own.features, logits: own.logits, labels: own.labels)
        }
        let alone = try NearestNeighborGuidance(self.fit(training: few)).evaluate(input).confidences
        #expect(spread == alone)
    }
}
