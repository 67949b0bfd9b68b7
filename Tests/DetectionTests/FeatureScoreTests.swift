import Cluster
import Detection
import Foundation
import Inference
import Metrics
import Testing

/// One row of the contract table of scores that use features: a score, its formula in double
/// precision with the default settings, and its worked values with the settings of `workedScore`.
struct FeatureScoreRow: CustomTestStringConvertible, Sendable {
    typealias Formula = @Sendable (_ feature: [Double], _ classifier: PlainClassifier) -> Double

    let name: ScoreDefinition
    /// `nil` if only the NumPy reference has it.
    let formula: Formula?
    /// The score of the worked values.
    let workedScore: @Sendable (FitContext) throws -> any Score
    /// The confidences of the worked queries a and b; `nil` if none are published.
    let worked: [Double]?

    var testDescription: String { name.name }

    static let all = [
        FeatureScoreRow(
            name: .gradnorm, formula: gradientNorm, workedScore: { _ in GradNorm() },
            worked: [6.22597831, 5.62698524]),
        FeatureScoreRow(
            name: .ash, formula: binarized,
            workedScore: { _ in ActivationShaping(.binarized, percentile: 50) },
            worked: [2.96250952, 2.59488842]),
        FeatureScoreRow(
            name: .ashB, formula: binarized,
            workedScore: { _ in ActivationShaping(.binarized, percentile: 50) },
            worked: [2.96250952, 2.59488842]),
        FeatureScoreRow(
            name: .ashP, formula: pruned, workedScore: { _ in ActivationShaping(.pruned) }, worked: nil),
        FeatureScoreRow(
            name: .ashS, formula: prunedAndScaled, workedScore: { _ in ActivationShaping(.scaled) },
            worked: nil),
        FeatureScoreRow(
            name: .scale, formula: scaled, workedScore: { _ in ActivationScaling(percentile: 50) },
            worked: [7.45467503, 8.89035435]),
        FeatureScoreRow(
            name: .lts, formula: logitsScaled, workedScore: { _ in LogitScaling(percentile: 50) }, worked: nil
        ),
        FeatureScoreRow(
            name: .dice, formula: sparsified, workedScore: { DirectedSparsification($0, percentile: 40) },
            worked: [2.68860192, 2.34070673]),
        FeatureScoreRow(
            name: .fdbd, formula: boundaryDistance, workedScore: { DecisionBoundaryDistance($0) },
            worked: [0.75253215, 0.90927253]),
        FeatureScoreRow(
            name: .nci, formula: collapse, workedScore: { NeuralCollapse($0) },
            worked: [0.15775876, -0.63288847]),
        FeatureScoreRow(
            name: .react, formula: clipped, workedScore: { try FeatureClipping($0, percentile: 40) },
            worked: [2.25600423, 2.24592384]),
        FeatureScoreRow(
            name: .vra, formula: vra,
            workedScore: { try FeatureRectification($0, percentiles: 25...40) },
            worked: [2.66780734, 2.57144510]),
        FeatureScoreRow(
            name: .tempScaling, formula: nil, workedScore: { try TemperatureScaling($0) },
            worked: [0.46424643, 0.47229021]),
        FeatureScoreRow(
            name: .klm, formula: matchedDivergence, workedScore: { try DivergenceMatching($0) },
            worked: [-0.13658858, -0.12104094]),
        FeatureScoreRow(
            name: .mds, formula: nil, workedScore: { try Mahalanobis($0) },
            worked: [-24.22846527, -35.63462603]),
        FeatureScoreRow(
            name: .rmds, formula: nil, workedScore: { try RelativeMahalanobis($0) },
            worked: [-7.30063485, -24.22677072]),
        FeatureScoreRow(
            name: .ssd, formula: nil, workedScore: { try SphereMahalanobis($0) }, worked: nil),
        FeatureScoreRow(
            name: .vim, formula: nil, workedScore: { try VirtualLogit($0, dimension: 2) },
            worked: [-1.28946530, 1.05731140]),
        FeatureScoreRow(
            name: .residual, formula: nil, workedScore: { try Residual($0, dimension: 2) }, worked: nil),
        FeatureScoreRow(
            name: .she, formula: nil, workedScore: { try StoredPatterns($0) },
            worked: [14.06250000, 9.75000000]),
        FeatureScoreRow(
            name: .knn, formula: nil, workedScore: { try NearestNeighbors($0, neighbor: 3) },
            worked: [-0.30230434, -0.14036024]),
        FeatureScoreRow(
            name: .nnguide, formula: nil,
            workedScore: { try NearestNeighborGuidance($0, neighbors: 3, bank: .first(multipleOf: 5)) },
            worked: [7.28538023, 7.30342338]),
        FeatureScoreRow(
            name: .relation, formula: nil, workedScore: { try NeuralRelation($0) },
            worked: [3.01751271, 4.10002701]),
        FeatureScoreRow(name: .openmax, formula: nil, workedScore: { try OpenMax($0) }, worked: nil),
        FeatureScoreRow(name: .cfood, formula: nil, workedScore: { try NeighborhoodShare($0) }, worked: nil),
        FeatureScoreRow(name: .grood, formula: nil, workedScore: { try GradientNeighbors($0) }, worked: nil),
        FeatureScoreRow(
            name: .dropout, formula: nil, workedScore: { _ in MonteCarloDropout() }, worked: nil),
    ]
}

/// A last layer and the data that scores are fitted on, in double precision.
struct PlainClassifier: Sendable {
    var weights: [[Double]]
    let bias: [Double]
    let mean: [Double]
    let validation: [[Double]]

    func logits(_ feature: [Double]) -> [Double] {
        zip(weights, bias).map { row, bias in zip(row, feature).map(*).reduce(bias, +) }
    }

    func energy(_ feature: [Double]) -> Double {
        let logits = logits(feature)
        let largest = logits.max()!
        return largest + log(logits.map { exp($0 - largest) }.reduce(0, +))
    }

    func probabilities(_ feature: [Double]) -> [Double] {
        let total = energy(feature)
        return logits(feature).map { exp($0 - total) }
    }

    func prediction(_ feature: [Double]) -> Int {
        let logits = logits(feature)
        return logits.firstIndex(of: logits.max()!)!
    }
}

@Sendable private func gradientNorm(_ feature: [Double], _ classifier: PlainClassifier) -> Double {
    let total = classifier.energy(feature)
    let logits = classifier.logits(feature)
    let distance = logits.map { abs(Double(logits.count) * exp($0 - total) - 1) }.reduce(0, +)
    return feature.map(abs).reduce(0, +) * distance
}

/// The indices of the features that the percentile keeps, in descending order of value.
private func kept(_ feature: [Double], _ percentile: Double) -> [Int] {
    let count = feature.count - Int((Double(feature.count) * percentile / 100).rounded(.toNearestOrEven))
    return Array(feature.indices.sorted { feature[$0] > feature[$1] }.prefix(max(count, 1)))
}

@Sendable private func binarized(_ feature: [Double], _ classifier: PlainClassifier) -> Double {
    let places = kept(feature, 90)
    var result = [Double](repeating: 0, count: feature.count)
    for j in places { result[j] = feature.reduce(0, +) / Double(places.count) }
    return classifier.energy(result)
}

@Sendable private func pruned(_ feature: [Double], _ classifier: PlainClassifier) -> Double {
    let places = kept(feature, 90)
    return classifier.energy(feature.indices.map { places.contains($0) ? feature[$0] : 0 })
}

@Sendable private func prunedAndScaled(_ feature: [Double], _ classifier: PlainClassifier) -> Double {
    let places = kept(feature, 90)
    let factor = exp(feature.reduce(0, +) / places.map { feature[$0] }.reduce(0, +))
    return classifier.energy(feature.indices.map { places.contains($0) ? feature[$0] * factor : 0 })
}

@Sendable private func scaled(_ feature: [Double], _ classifier: PlainClassifier) -> Double {
    let factor = exp(feature.reduce(0, +) / kept(feature, 85).map { feature[$0] }.reduce(0, +))
    return classifier.energy(feature.map { $0 * factor })
}

@Sendable private func logitsScaled(_ feature: [Double], _ classifier: PlainClassifier) -> Double {
    let active = feature.map { max($0, 0) }
    let ratio = active.reduce(0, +) / kept(active, 95).map { active[$0] }.reduce(0, +)
    let logits = classifier.logits(feature).map { $0 * ratio * ratio }
    return logits.max()! + log(logits.map { exp($0 - logits.max()!) }.reduce(0, +))
}

@Sendable private func sparsified(_ feature: [Double], _ classifier: PlainClassifier) -> Double {
    let contributions = classifier.weights.map { zip($0, classifier.mean).map(*) }
    let threshold = percentile(90, of: contributions.flatMap(\.self))
    var sparse = classifier
    sparse.weights = zip(classifier.weights, contributions).map { row, contributions in
        zip(row, contributions).map { $1 > threshold ? $0 : 0 }
    }
    return sparse.energy(feature)
}

private func percentile(_ percentile: Double, of values: [Double]) -> Double {
    let sorted = values.sorted()
    let place = percentile / 100 * Double(sorted.count - 1)
    let below = Int(place)
    let above = min(below + 1, sorted.count - 1)
    return sorted[below] * (1 - place + Double(below)) + sorted[above] * (place - Double(below))
}

@Sendable private func clipped(_ feature: [Double], _ classifier: PlainClassifier) -> Double {
    let limit = percentile(90, of: classifier.validation.flatMap(\.self))
    return classifier.energy(feature.map { min($0, limit) })
}

@Sendable private func vra(_ feature: [Double], _ classifier: PlainClassifier) -> Double {
    let values = classifier.validation.flatMap(\.self)
    let (low, high) = (percentile(10, of: values), percentile(90, of: values))
    return classifier.energy(feature.map { max(min($0, high), low) })
}

@Sendable private func matchedDivergence(_ feature: [Double], _ classifier: PlainClassifier) -> Double {
    let own = classifier.probabilities(feature)
    let divergences = own.indices.map { k in
        let members = classifier.validation.filter { classifier.prediction($0) == k }
            .map(classifier.probabilities)
        let typical = own.indices.map { j in
            members.isEmpty ? (j == k ? 1 : 0) : members.map { $0[j] }.reduce(0, +) / Double(members.count)
        }
        return zip(own, typical).map { $0 * log($0 / $1) }.reduce(0, +)
    }
    return -divergences.min()!
}

private func distance(_ left: [Double], _ right: [Double]) -> Double {
    zip(left, right).map { ($0 - $1) * ($0 - $1) }.reduce(0, +).squareRoot()
}

@Sendable private func boundaryDistance(_ feature: [Double], _ classifier: PlainClassifier) -> Double {
    let logits = classifier.logits(feature)
    let own = classifier.prediction(feature)
    let sum = logits.indices.filter { $0 != own }.map {
        (logits[own] - logits[$0]) / distance(classifier.weights[own], classifier.weights[$0])
    }.reduce(0, +)
    return sum / distance(feature, classifier.mean)
}

@Sendable private func collapse(_ feature: [Double], _ classifier: PlainClassifier) -> Double {
    let centred = zip(feature, classifier.mean).map { $0 - $1 }
    let along = zip(classifier.weights[classifier.prediction(feature)], centred).map(*).reduce(0, +)
    return along / distance(feature, classifier.mean) + 1e-4 * feature.map(abs).reduce(0, +)
}

/// A synthetic classifier with seven samples; scores are fitted on further records.
private struct Example {
    let head: ScoringHead
    let fit: FitContext
    let validation: FeatureShard
    var features: [Float]

    init(classes: Int, dimension: Int) throws {
        let values = { (count: Int, step: Int) in
            (0..<count).map { Float(($0 * step + 13) % 1021) / 1021 }
        }
        let head = ScoringHead(
            weights: values(classes * dimension, 7919).map { $0 - 0.5 }, bias: values(classes, 31))
        self.head = head
        validation = FeatureShard(values(23 * dimension, 577), head, microbatchSize: 8)
        // Moved along their class's weights, so that classes have correctly predicted records.
        let training = values((2 * classes + 57) * dimension, 389).enumerated().map { place, value in
            let (record, j) = (place / dimension, place % dimension)
            return value + 2 * head.weights[record % classes * dimension + j]
        }
        fit = try FitContext(
            head: head, training: FeatureShard(training, head, microbatchSize: 8), validation: validation,
            outliers: FeatureShard(values(11 * dimension, 211), head, microbatchSize: 8),
            communicator: LocalCommunicator())
        features = values(7 * dimension, 6007)
    }

    var plain: PlainClassifier {
        let rows = { (values: [Float]) in
            stride(from: 0, to: values.count, by: head.dimension).map {
                values[$0..<$0 + head.dimension].map(Double.init)
            }
        }
        return PlainClassifier(
            weights: rows(head.weights), bias: head.bias.map(Double.init),
            mean: fit.featureMean.map(Double.init), validation: rows(validation.features))
    }

    func evaluate(_ score: any Score, samples: Range<Int> = 0..<7) -> ScoredSamples {
        let own = Array(
            features[samples.lowerBound * head.dimension..<samples.upperBound * head.dimension])
        return score.evaluate(
            ScoreInput(features: own.span, logits: logits(of: own, head).span, head: head))
    }
}

@Suite(.timeLimit(.minutes(30))) struct FeatureScoreTests {
    @Test(arguments: FeatureScoreRow.all.filter { $0.worked != nil })
    func matchesTheWorkedValues(row: FeatureScoreRow) throws {
        let example = WorkedClassifier()
        let result = example.evaluate(try row.workedScore(example.fit()), head: example.plainHead)
        for (found, expected) in zip(result.confidences, try #require(row.worked)) {
            #expect(abs(found - expected) <= 1e-6 * max(abs(expected), 1))
        }
    }

    @Test func theNormRegularizerMatchesTheWorkedValues() throws {
        let example = WorkedClassifier()
        let result = example.evaluate(
            DecisionBoundaryDistance(try example.fit(), regularizer: .norm), head: example.plainHead)
        for (found, expected) in zip(result.confidences, [0.64066049, 0.66835257]) {
            #expect(abs(found - expected) <= 1e-6)
        }
    }

    /// The logits and the values computed from them are rounded to single precision once each.
    @Test(
        arguments: FeatureScoreRow.all.filter { $0.formula != nil },
        [[1, 5], [2, 1], [3, 17], [10, 64], [100, 33]])
    func matchesTheFormula(row: FeatureScoreRow, shape: [Int]) throws {
        let example = try Example(classes: shape[0], dimension: shape[1])
        let formula = try #require(row.formula)
        let result = example.evaluate(try row.name.makeScore(example.fit))
        for sample in 0..<7 {
            let feature = example.features[sample * shape[1]..<(sample + 1) * shape[1]].map(Double.init)
            let expected = formula(feature, example.plain)
            #expect(abs(Double(result.confidences[sample]) - expected) <= 1e-5 * max(abs(expected), 1))
        }
    }

    @Test(arguments: FeatureScoreRow.all)
    func aSampleDoesNotDependOnItsBatch(row: FeatureScoreRow) throws {
        let example = try Example(classes: 10, dimension: 33)
        let score = try row.name.makeScore(example.fit)
        let together = example.evaluate(score)
        for sample in 0..<7 {
            let alone = example.evaluate(score, samples: sample..<sample + 1)
            #expect(alone.confidences[0].bitPattern == together.confidences[sample].bitPattern)
            #expect(alone.predictions[0] == together.predictions[sample])
        }
    }

    @Test(arguments: FeatureScoreRow.all, [0, 4, 16])
    func aNaNIsNotHidden(row: FeatureScoreRow, place: Int) throws {
        var example = try Example(classes: 3, dimension: 17)
        example.features[place] = .nan
        let result = example.evaluate(try row.name.makeScore(example.fit))
        #expect(result.confidences[0].isNaN)
        #expect(result.confidences[1].isFinite)
    }

    /// Whatever the sample's own confidence is, the other samples' confidences stay the same.
    @Test(arguments: FeatureScoreRow.all)
    func anInfiniteFeatureTouchesNoOtherSample(row: FeatureScoreRow) throws {
        var example = try Example(classes: 3, dimension: 17)
        let score = try row.name.makeScore(example.fit)
        let before = example.evaluate(score)
        example.features[4] = .infinity
        let after = example.evaluate(score)
        #expect(after.confidences.dropFirst() == before.confidences.dropFirst())
    }

    @Test(arguments: FeatureScoreRow.all)
    func aZeroFeatureHasAFiniteConfidence(row: FeatureScoreRow) throws {
        var example = try Example(classes: 3, dimension: 17)
        for j in 0..<17 { example.features[j] = 0 }
        #expect(example.evaluate(try row.name.makeScore(example.fit)).confidences[0].isFinite)
    }

    @Test(arguments: FeatureScoreRow.all)
    func noSamplesGiveNoScores(row: FeatureScoreRow) throws {
        let example = try Example(classes: 3, dimension: 17)
        #expect(
            example.evaluate(try row.name.makeScore(example.fit), samples: 0..<0)
                == ScoredSamples(confidences: [], predictions: []))
    }

    /// As in OpenOOD, the division by a distance of 0 gives a NaN or infinite confidence, which the
    /// metrics refuse.
    @Test(arguments: [ScoreDefinition.fdbd, .nci])
    func aFeatureAtTheTrainingMeanHasNoFiniteConfidence(name: ScoreDefinition) throws {
        var example = try Example(classes: 3, dimension: 17)
        for j in 0..<17 { example.features[j] = example.fit.featureMean[j] }
        let confidences = example.evaluate(try name.makeScore(example.fit)).confidences
        #expect(!confidences[0].isFinite)
        #expect(confidences[1...].filter(\.isFinite).count == 6)
        #expect(throws: RankingMetricsError.self) { try rank(confidences) }
    }

    @Test func ofEqualFeaturesAsManyAreKeptAsAsked() throws {
        let head = ScoringHead(weights: [1, 1, 1, 1, 1, 1, 1, 1], bias: [0])
        let features: [Float] = [2, 2, 2, 2, 2, 2, 2, 2]
        let result = ActivationShaping(.pruned, percentile: 50).evaluate(
            ScoreInput(features: features.span, logits: [16].span, head: head))
        #expect(result.confidences == [8])
    }
}

private func rank(_ confidences: [Double]) throws {
    let others: [Double] = [0, 1]
    _ = try RankingMetrics(inDistribution: confidences.span, outOfDistribution: others.span)
}
