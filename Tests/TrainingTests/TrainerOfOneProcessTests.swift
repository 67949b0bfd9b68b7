import Checkpoints
import FoundationEssentials
import Networks
import RunConfiguration
import Synchronization
import TestSupport
import Testing
import Training

/// The trainer as users of the library start it.
@Suite(.timeLimit(.minutes(30))) struct TrainerOfOneProcessTests {
    @Test func aRunOfOneProcessIsThatOfARank() throws {
        try SmallRun.with { run in
            var other = run
            other.configuration.name = "other"
            try other.train(ranks: 2)
            try run.configuration.yaml.write(
                toFile: "\(run.folder)/run.yml", atomically: true, encoding: .utf8)
            let configuration = try RunConfiguration(
                files: ["\(run.folder)/run.yml"], settings: ["training.stopAfterSteps=3"])
            var steps = 0
            let first = try Trainer(configuration) { if case .step = $0 { steps += 1 } }.run()
            #expect(first == .stopped && steps == 3)
            let last = try Trainer(run.configuration) { if case .step = $0 { steps += 1 } }.run()
            #expect(last == .done && steps == 10)
            let found = try #require(try run.checkpoint())
            let expected = try #require(try other.checkpoint())
            #expect(firstDifference(found.state, expected.state) == nil)
        }
    }

    @Test func settingsOfTheLibraryAreChecked() throws {
        let error = try #require(throws: ConfigurationError.self) {
            try RunConfiguration(files: [], settings: ["data.train=a", "network.name=resnet19"])
        }
        #expect(error.key == "network.name" && error.found == "resnet19")
        let configuration = try RunConfiguration(files: [], settings: ["data.train=a", "seed=4"])
        #expect(configuration.runDirectory == "runs/run/s4")
    }
}
