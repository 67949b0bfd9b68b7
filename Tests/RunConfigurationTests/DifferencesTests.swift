import RunConfiguration
import Testing

@Suite(.timeLimit(.minutes(30))) struct DifferencesTests {
    @Test func equalConfigurationsDoNotDiffer() {
        #expect(RunConfiguration().differences(from: RunConfiguration()) == [])
    }

    @Test func aDifferenceSaysBothValues() {
        var mine = RunConfiguration()
        mine.optimizer.learningRate = 0.2
        let differences = mine.differences(from: RunConfiguration())
        #expect(differences.map(\.description) == ["optimizer.learningRate is 0.2, was 0.1"])
        #expect(differences.map(\.isMathematical) == [true])
    }

    @Test func onlySettingsOfTheMathematicsAreMarked() {
        var mine = RunConfiguration()
        mine.name = "other"
        mine.output = "elsewhere"
        mine.seed = 1
        mine.data.train = "a"
        mine.data.test = "b"
        mine.data.transform.mean = [0, 0, 0]
        mine.data.prefetch = 9
        mine.data.window = 5
        mine.head.name = .linear
        mine.training.keep = 9
        mine.training.keepEvery = 9
        mine.training.onCheckpointFailure = .continue
        mine.training.checkpointEvery = 9
        mine.training.checkpointMinutes = 9
        mine.data.order = .stored
        mine.training.stopAfterSteps = 9
        mine.training.microbatch = 64
        mine.batchNorm.group = 64
        mine.compute.threads = 9
        mine.compute.convolution = .tiled
        mine.cluster.reduction = .library
        mine.cluster.bucketBytes = 9
        mine.evaluation.batch = 9
        let differences = mine.differences(from: RunConfiguration())
        #expect(
            differences.filter(\.isMathematical).map(\.key) == [
                "seed", "data.train", "data.transform.mean", "data.order", "data.window", "head.name",
                "training.microbatch",
                "batchNorm.group", "compute.convolution", "cluster.reduction",
            ])
        #expect(
            differences.filter { !$0.isMathematical }.map(\.key) == [
                "name", "output", "data.test", "data.prefetch", "training.checkpointEvery",
                "training.checkpointMinutes",
                "training.keep", "training.keepEvery", "training.onCheckpointFailure",
                "training.stopAfterSteps", "compute.threads", "cluster.bucketBytes",
                "evaluation.batch",
            ])
    }

    /// Every setting except these changes what a run computes, so it may not change during the run.
    @Test func allOtherSettingsAreOfTheMathematics() {
        let harmless: Set = [
            "name", "output", "data.test", "data.prefetch", "data.prefetchBytes", "training.keep",
            "training.keepEvery", "training.onCheckpointFailure", "training.checkpointEvery",
            "training.checkpointMinutes", "training.stopAfterSteps", "compute.threads",
            "compute.accumulation", "cluster.bucketBytes",
            "cluster.sentinelEvery", "cluster.watchdog", "evaluation.scores", "evaluation.batch",
            "evaluation.near", "evaluation.far", "evaluation.search", "evaluation.outlierValidation",
            "evaluation.temperature", "evaluation.grood",
        ]
        let keys = keys(of: RunConfiguration().yaml)
        #expect(keys.count > 60 && keys.contains("optimizer.weightDecay") && keys.contains("seed"))
        for key in keys {
            #expect(RunConfiguration.isMathematical(key) == !harmless.contains(key), "\(key)")
        }
        #expect(harmless.isSubset(of: keys))
    }

    @Test func theOptimizersSettingsMayNotChange() {
        var mine = RunConfiguration()
        mine.optimizer.weightDecay = 0.001
        mine.optimizer.momentum = 0.8
        let differences = mine.differences(from: RunConfiguration())
        #expect(differences.map(\.key).sorted() == ["optimizer.momentum", "optimizer.weightDecay"])
        #expect(differences.map(\.isMathematical) == [true, true])
    }

    /// The keys of all settings in a file that is indented by two spaces per level.
    private func keys(of yaml: String) -> Set<String> {
        var path: [String] = []
        var keys: Set<String> = []
        for line in yaml.split(separator: "\n") {
            let text = line.drop { $0 == " " }
            guard !text.hasPrefix("-"), let colon = text.firstIndex(of: ":") else { continue }
            path = path.prefix((line.count - text.count) / 2) + [String(text[..<colon])]
            // A group is not a setting.
            keys.remove(path.dropLast().joined(separator: "."))
            keys.insert(path.joined(separator: "."))
        }
        return keys
    }

    @Test func aKeyIsASettingOrAGroup() {
        let names = ["seed", "optimizer", "optimizer.momentum", "data.transform.mean"]
        #expect(names.allSatisfy(RunConfiguration.isKey))
        let others = ["", "optimizer.", "optimizer.momenta", "momentum", "seed.seed"]
        #expect(!others.contains(where: RunConfiguration.isKey))
    }

    @Test func theOrderOfDatasetsIsADifference() {
        var mine = RunConfiguration()
        var theirs = RunConfiguration()
        mine.evaluation.near = ["a": "1", "b": "2"]
        theirs.evaluation.near = ["b": "2", "a": "1"]
        #expect(
            mine.differences(from: theirs).map(\.description)
                == ["evaluation.near is {a: '1', b: '2'}, was {b: '2', a: '1'}"])
    }
}
