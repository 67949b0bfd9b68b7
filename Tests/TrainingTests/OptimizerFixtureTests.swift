import Checkpoints
import Foundation
import Kernels
import Memory
import Networks
import RunConfiguration
import TestSupport
import Testing
import Training
import Workers

/// Twenty updates of each optimiser, and the rates of each schedule, against PyTorch in double
/// precision.
@Suite(.timeLimit(.minutes(30)))
struct OptimizerFixtureTests {
    private struct Fixture: Decodable {
        struct Tensor: Decodable { let name: String, stream: Int }
        struct Rule: Decodable {
            let name: String, settings: [String], rates: [Double]
            let weights: [[Double]], average: [[Double]]?
        }
        struct Schedule: Decodable { let settings: [String], rates: [Double] }

        let tensors: [Tensor], rules: [Rule], schedules: [Schedule]

        static func load() throws -> Fixture {
            try JSONDecoder().decode(Self.self, from: fixtureData(named: "optimizer_fixtures"))
        }
    }

    private func configuration(_ settings: [String]) throws -> RunConfiguration {
        try RunConfiguration.load(
            files: [],
            overrides: ["data.train=a", "training.epochs=5"] + settings.map { "optimizer.\($0)" },
            names: nil)
    }

    @Test func twentyUpdatesAreThoseOfPyTorch() throws {
        let fixture = try Fixture.load()
        #expect(!fixture.rules.isEmpty)
        for rule in fixture.rules {
            let store = Classifier(.resnet20, head: .linear, classes: 10).parameters
            let entries = try fixture.tensors.map { tensor in
                try #require(store.entries.first { $0.name == tensor.name })
            }
            for (entry, tensor) in zip(entries, fixture.tensors) {
                store.setElements(of: entry, to: testValues(count: entry.count, stream: tensor.stream))
            }
            store.gradients = Buffer(zeros: store.parameterCount)
            var optimizer = Optimizer(try configuration(rule.settings).optimizer, of: store)
            let pool = WorkerPool(threads: 1)
            #expect(rule.rates.count == 20)
            for (step, rate) in rule.rates.enumerated() {
                for (index, entry) in entries.enumerated() {
                    let drawn = testValues(
                        count: entry.count, stream: 710_000 + 100 * step + index, scale: 0.1)
                    entry.setElements(
                        in: &store.gradients, to: zip(store.elements(of: entry), drawn).map { 0.5 * $0 + $1 })
                }
                optimizer.update(store, number: step + 1, learningRate: rate, on: pool)
            }
            compare(entries.map { store.elements(of: $0) }, rule.weights, rule.name)
            guard let average = rule.average else { continue }
            let slot = optimizer.layout.slots.count - 1
            let places = try entries.map { try #require(optimizer.layout.entry($0, inSlot: slot)) }
            compare(places.map { $0.elements(in: optimizer.slots) }, average, "average of \(rule.name)")
        }
    }

    private func compare(_ found: [[Float]], _ expected: [[Double]], _ name: String) {
        let samples = found.map { PyTorchFixture.samples(of: $0.doubles, count: 8) }
        #expect(samples.count == expected.count)
        for (found, expected) in zip(samples, expected) {
            #expect(relativeError(found, expected) < 1e-5, "\(name): \(found), expected \(expected)")
        }
    }

    /// Forty updates, eight an epoch.
    @Test func ratesAreThoseOfPyTorchsSchedulers() throws {
        let fixture = try Fixture.load()
        for row in fixture.schedules {
            let schedule = try LearningRateSchedule(try configuration(row.settings), stepsPerEpoch: 8)
            #expect(row.rates.count == 40 && schedule.stepCount == 40)
            for (step, rate) in row.rates.enumerated() {
                #expect(
                    abs(schedule.rate(step: step) - rate) < 1e-12,
                    "\(row.settings), update \(step): \(schedule.rate(step: step)), expected \(rate)")
            }
        }
        let shapes = try fixture.schedules.map { try configuration($0.settings).optimizer.schedule }
        #expect(Set(shapes) == Set(OptimizerConfiguration.Schedule.allCases))
    }

    @Test func aWarmUpAsLongAsTheRunIsRefused() throws {
        let configuration = try configuration(["warmUpSteps=40"])
        #expect(
            throws: ConfigurationError(
                key: "optimizer.warmUpSteps", found: "40", expected: "fewer than the 40 updates of the run")
        ) { try LearningRateSchedule(configuration, stepsPerEpoch: 8) }
    }
}
