import Detection
import Inference
import Testing

@Suite(.timeLimit(.minutes(30))) struct ScoringHeadTests {
    let example = WorkedClassifier()

    @Test func matchesTheWorkedLogits() {
        let expected: [Float] = [1.9125, 0.425, 1.6125, 0.725, 0.8625, 1.6125]
        for (found, expected) in zip(example.logits(example.plainHead), expected) {
            #expect(abs(found - expected) <= 2e-7)
        }
    }

    @Test(arguments: [ScoreDefinition.t2fnorm, .msp])
    func theTemperatureIsFoldedForEveryScore(name: ScoreDefinition) throws {
        let head = ScoringHead(weights: example.weights, bias: example.bias, temperature: 0.5)
        let result = try example.evaluate(name, head: head)
        for (found, expected) in zip(result.confidences, [0.60758633, 0.69074014]) {
            #expect(abs(found - expected) <= 4e-7)
        }
    }

    @Test func theBiasIsNotDivided() {
        let head = ScoringHead(weights: [1, 2], bias: [3, 4], temperature: 0.25)
        #expect(head.weights == [4, 8])
        #expect(head.bias == [3, 4])
    }

    @Test func aThousandClassesAreScoredWithoutTheTemperature() {
        let weights = [Float](repeating: 1, count: 1000)
        let bias = [Float](repeating: 0, count: 1000)
        #expect(ScoringHead(weights: weights, bias: bias, temperature: 0.1).weights == weights)
        #expect(
            ScoringHead(
                weights: weights, bias: bias, temperature: 0.5, dividing: .training
            ).weights[0]
                == 2)
        #expect(
            ScoringHead(
                weights: [1, 1], bias: [0, 0], temperature: 0.5, dividing: .none
            ).weights
                == [1, 1])
    }

    @Test func shapesFollowFromTheWeights() {
        #expect(example.plainHead.classes == 3)
        #expect(example.plainHead.dimension == 4)
    }
}
