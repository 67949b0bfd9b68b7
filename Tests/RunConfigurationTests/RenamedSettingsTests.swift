import RunConfiguration
import Testing

/// Settings under the names that they had in earlier versions.
@Suite(.timeLimit(.minutes(30))) struct RenamedSettingsTests {
    let folder: ScratchFolder

    init() throws { folder = try ScratchFolder() }

    /// A configuration, and the notices about it.
    private func load(
        _ text: String, _ overrides: [String] = []
    ) throws -> (configuration: RunConfiguration, notices: [RenamedSettings]) {
        var notices: [RenamedSettings] = []
        let configuration = try RunConfiguration.load(
            files: [try folder.write(text, to: "a.yml")], overrides: ["data.train=images"] + overrides,
            names: names
        ) { notices.append($0) }
        return (configuration, notices)
    }

    @Test(arguments: [
        (
            "training: {batch: 64, lane: 16}", "training: {batch: 64, microbatch: 16}",
            "training.lane is training.microbatch now"
        ),
        (
            "optimizer:\n  schedule: epoch", "optimizer:\n  scheduleInterval: epoch",
            "optimizer.schedule: epoch is optimizer.scheduleInterval: epoch now"
        ),
        (
            "optimizer: {schedule: step}", "optimizer: {scheduleInterval: step}",
            "optimizer.schedule: step is optimizer.scheduleInterval: step now"
        ),
        (
            "compute: {convolution: measured}", "compute: {convolution: autotune}",
            "compute.convolution: measured is compute.convolution: autotune now"
        ),
    ])
    func anOldNameIsReadWithOneNotice(old: String, new: String, notice: String) throws {
        let (expected, none) = try load(new)
        #expect(none.isEmpty)
        let (configuration, notices) = try load(old)
        #expect(configuration == expected)
        #expect(notices.map(\.names) == [[notice]])
        #expect(notices.first?.description.hasSuffix("a.yml uses earlier names: \(notice)") == true)
    }

    @Test func overridesMayHaveOldNames() throws {
        let (expected, _) = try load(
            "",
            ["training.microbatch=16", "optimizer.scheduleInterval=epoch", "compute.convolution=autotune"])
        let (configuration, notices) = try load(
            "", ["training.lane=16", "optimizer.schedule=epoch", "compute.convolution=measured"])
        #expect(configuration == expected)
        #expect(notices.map(\.place) == ["--set"])
        #expect(notices.first?.names.count == 3)
    }

    /// The file of an old run, and an override with the new name.
    @Test func anOverrideByTheNewNameWins() throws {
        let (configuration, notices) = try load(
            "training: {batch: 64, lane: 16}\noptimizer: {schedule: epoch}",
            ["training.microbatch=8", "optimizer.scheduleInterval=step"])
        #expect(configuration.training.microbatch == 8)
        #expect(configuration.optimizer.scheduleInterval == .step)
        #expect(notices.count == 1)
    }

    @Test(arguments: [
        (
            "training:\n  lane: 16\n  microbatch: 16", "training.lane",
            "given beside training.microbatch, its new name"
        ),
        (
            "optimizer: {scheduleInterval: step, schedule: step}", "optimizer.schedule",
            "given beside optimizer.scheduleInterval, its new name"
        ),
    ])
    func bothNamesTogetherAreRefused(text: String, key: String, found: String) throws {
        let error = try #require(throws: ConfigurationError.self) { try load(text) }
        #expect(error.key == key && error.found == found && error.expected == "one of the two")
        #expect(error.origin?.file.hasSuffix("a.yml") == true)
    }

    @Test(arguments: [
        ["training.lane=16", "training.microbatch=8"], ["training.microbatch=8", "training.lane=16"],
    ])
    func bothNamesInOverridesAreRefused(overrides: [String]) throws {
        let error = try #require(throws: ConfigurationError.self) { try load("", overrides) }
        #expect(error.key == "training.lane")
        #expect(error.found == "given beside training.microbatch, its new name")
    }

    /// An error gives the line of the old name and the new name of the setting.
    @Test func aBadValueOfAnOldNameHasItsLine() throws {
        let error = try #require(throws: ConfigurationError.self) { try load("training:\n  lane: 0") }
        #expect(error.key == "training.microbatch" && error.found == "0" && error.origin?.line == 2)
    }

    @Test func theShapeOfTheScheduleIsNoOldName() throws {
        let (configuration, notices) = try load("optimizer: {schedule: cosine, scheduleInterval: epoch}")
        #expect(configuration.optimizer.schedule == .cosine && notices.isEmpty)
        #expect(configuration.optimizer.scheduleInterval == .epoch)
    }

    /// The resolved configuration of a run that an earlier version started.
    @Test func aStoredConfigurationIsRead() throws {
        var expected = RunConfiguration()
        expected.data.train = "images"
        expected.optimizer.scheduleInterval = .epoch
        expected.compute.convolution = .autotune
        expected.training.microbatch = 16
        let old = expected.yaml
            .replacing("  schedule: cosine\n  scheduleInterval: epoch\n", with: "  schedule: epoch\n")
            .replacing("  microbatch: 16\n", with: "  lane: 16\n")
            .replacing("  convolution: autotune\n", with: "  convolution: measured\n")
        #expect(old.contains("lane: 16") && old.contains("schedule: epoch") && old.contains("measured"))
        var notices: [RenamedSettings] = []
        let read = try RunConfiguration(yaml: old, file: "config.yml", names: names) { notices.append($0) }
        #expect(read == expected)
        #expect(read.yaml == expected.yaml)
        #expect(notices.count == 1 && notices.first?.place == "config.yml")
        #expect(notices.first?.names.count == 3)
    }

    @Test func aKeyHasItsNameOfToday() {
        #expect(RunConfiguration.currentKey("training.lane") == "training.microbatch")
        #expect(RunConfiguration.currentKey("training.microbatch") == "training.microbatch")
        #expect(RunConfiguration.currentKey("optimizer.schedule") == "optimizer.schedule")
    }
}
