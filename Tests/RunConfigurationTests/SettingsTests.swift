import Foundation
import RunConfiguration
import TestSupport
import Testing

/// Every setting, in the order of the configuration: none can lack its documentation, its check or
/// its place in the written file.
@Suite(.timeLimit(.minutes(30))) struct SettingsTests {
    let folder: ScratchFolder

    init() throws { folder = try ScratchFolder() }

    /// Each key with a value that is refused, and the remedy in the error.
    static let badValues = [
        ("name", "a/b", "the name of a folder, without '/' and control characters"),
        ("output", "''", "a folder"),
        ("seed", "-1", "a whole number from 0"),
        ("data.train", "''", "the folder of a packed dataset"),
        ("data.validation", "[a]", "one value"),
        ("data.test", "[a]", "one value"),
        ("data.transform.size", "0", "a number of pixels from 1 to 16384"),
        ("data.transform.resize", "31", "0, or a number of pixels from data.transform.size (32) to 16384"),
        ("data.transform.padding", "-1", "a number of pixels from 0 to data.transform.size (32)"),
        ("data.transform.flip", "maybe", "true or false"),
        ("data.transform.crop", "round", "one of padded, resized"),
        ("data.transform.smallestArea", "0", "a number above 0 and at most 1"),
        ("data.transform.color.brightness", "-0.1", "a finite number from 0"),
        ("data.transform.color.contrast", ".inf", "a finite number from 0"),
        ("data.transform.color.saturation", ".nan", "a finite number from 0"),
        ("data.transform.color.hue", "0.6", "a number of turns from 0 to 0.5"),
        ("data.transform.color.probability", "2", "a number from 0 to 1"),
        ("data.transform.color.gray", "-1", "a number from 0 to 1"),
        ("data.transform.decode", "fast", "one of exact, scaled"),
        ("data.transform.mean", "[0.5, 0.5]", "three finite numbers"),
        ("data.transform.standardDeviation", "[1, 0, 1]", "three finite numbers above 0"),
        ("data.order", "sorted", "one of shuffled, stored"),
        ("data.window", "-1", "a number of records below 2^40, or 0 for all"),
        ("data.block", "0", "a number of records from 1 to data.window (all)"),
        ("data.prefetch", "0", "a number of batches from 1 to 1024"),
        ("data.prefetchBytes", "0", "a number of bytes from 1 to 2^50"),
        ("network.name", "resnet2", "one of resnet18_32x32, resnet20"),
        ("network.classes", "1", "a whole number from 2 to 1000000"),
        (
            "network.train", "[head, head]",
            "a list of different layers, groups of layers such as layer4, and head"
        ),
        ("network.frozenStatistics", "running", "one of fixed, batch"),
        ("network.zeroInit", "all", "one of none, residual"),
        ("network.dropout", "1", "a number from 0 to below 1"),
        ("head.name", "cosine", "one of t2fnorm, linear, projection"),
        ("head.temperature", "0", "a finite number above 0"),
        ("head.outputs", "0", "a whole number from 1 to 65536"),
        ("loss.name", "hinge", "one of crossEntropy, logitNorm, reweightOOD"),
        ("loss.temperature", "0", "a finite number above 0"),
        ("loss.smoothing", "1", "a number from 0 up to, but not including, 1"),
        ("mixing.name", "blend", "one of none, mixup, cutMix, regMixup"),
        ("mixing.alpha", "-1", "a finite number above 0, or 0 for the method's default"),
        ("mixing.probability", "1.5", "a number from 0 to 1"),
        ("optimizer.name", "adam", "one of sgd, lars, adamw"),
        ("optimizer.learningRate", "0", "a finite number above 0"),
        ("optimizer.minimumLearningRate", "0.2", "a number from 0 to optimizer.learningRate (0.1)"),
        ("optimizer.schedule", "sine", "one of cosine, linear, polynomial, multiStep, oneCycle, constant"),
        ("optimizer.scheduleInterval", "batch", "one of step, epoch"),
        ("optimizer.milestones", "[3, 2]", "numbers of epochs from 1 to 1000000 in rising order"),
        ("optimizer.factor", "1", "a number above 0 and below 1"),
        ("optimizer.power", "0", "a finite number above 0"),
        (
            "optimizer.warmUpEpochs", "100",
            "a number of epochs from 0 up to, but not including, training.epochs (100)"
        ),
        ("optimizer.warmUpSteps", "-1", "a number of steps below 2^40, or 0 for optimizer.warmUpEpochs"),
        ("optimizer.warmUpLearningRate", "-1", "a finite number from 0"),
        ("optimizer.momentum", "1", "a number from 0 up to, but not including, 1"),
        ("optimizer.nesterov", "maybe", "true or false"),
        ("optimizer.betas", "[0.9]", "two numbers from 0 up to, but not including, 1"),
        ("optimizer.epsilon", "0", "a finite number above 0"),
        ("optimizer.weightDecay", "-0.1", "a finite number from 0"),
        (
            "optimizer.noDecay", "[automatic, norm]",
            "[automatic], or a list of different groups of weight, norm, bias"
        ),
        ("optimizer.trustCoefficient", "0", "a finite number above 0"),
        (
            "optimizer.noTrustRatio", "[bias, bias]",
            "[automatic], or a list of different groups of weight, norm, bias"
        ),
        ("optimizer.ema.decay", "1", "a number above 0 and below 1, or 0 for no average"),
        ("optimizer.ema.every", "0", "a number of updates from 1 to 1000000"),
        ("training.epochs", "0", "a whole number from 1 to 1000000"),
        ("training.batch", "100", "a multiple of training.microbatch (32) from 32 to 16777216"),
        ("training.microbatch", "0", "a number of samples from 1 to 65536"),
        (
            "training.sizes", "[{until: 100, size: 160}, {until: 50, size: 192}]",
            "a list of {until: epoch, size: pixels} with rising epochs, the last one training.epochs (100)"
        ),
        ("training.checkpointEvery", "-1", "a number of steps below 2^40, or 0 for each epoch"),
        (
            "training.checkpointMinutes", "-1",
            "a number of minutes up to 1000000, or 0 for no checkpoints by the clock"
        ),
        ("training.keep", "0", "a whole number from 1"),
        ("training.keepEvery", "-1", "a number of checkpoints up to 1000000, or 0 for none"),
        ("training.onCheckpointFailure", "ignore", "one of stop, continue"),
        ("training.stopAfterSteps", "-1", "a number of steps below 2^40, or 0 for never"),
        ("batchNorm.group", "48", "0, or a multiple of training.microbatch (32) up to training.batch (128)"),
        ("compute.threads", "-1", "a number of threads up to 4096, or 0 to share the cores among the ranks"),
        ("compute.convolution", "fast", "one of shape, autotune, winograd, tiled, library"),
        ("compute.precision", "half", "one of float32, mixed"),
        (
            "compute.accumulation", "3",
            "a power of two, or 0 for as many accumulation steps as the memory requires"
        ),
        ("cluster.reduction", "ring", "one of tree, library"),
        ("cluster.bucketBytes", "0", "a number of bytes from 1, below 2^40"),
        (
            "cluster.sentinelEvery", "-1",
            "a number of steps below 2^40, or 0 for only before each checkpoint"
        ),
        ("cluster.watchdog", "maybe", "true or false"),
        ("evaluation.scores", "[msp, msp]", "a list of different scores"),
        ("evaluation.batch", "0", "a whole number from 1 to 1000000"),
        ("evaluation.every", "0", "a number of epochs from 1 to 1000000"),
        ("evaluation.mirror", "maybe", "true or false"),
        ("evaluation.precision", "half", "one of float32, mixed"),
        ("evaluation.near", "{tin: ''}", "the folder of a packed dataset"),
        ("evaluation.far", "{tin: ''}", "the folder of a packed dataset"),
        ("evaluation.search", "maybe", "true or false"),
        ("evaluation.outlierValidation", "[a]", "one value"),
        ("evaluation.temperature", "maybe", "one of automatic, training, none"),
        ("evaluation.grood", "fast", "one of openood, exact"),
    ]

    /// The keys of the written file.
    private static let written = keys(ofYAML: RunConfiguration().yaml)

    @Test func everySettingHasABadValueHere() {
        #expect(Self.badValues.map(\.0) == Self.written, "a new setting needs a row in this table")
    }

    @Test func everyStoredPropertyIsWritten() throws {
        #expect(try SettingSource().settings.map(\.key) == Self.written)
    }

    @Test func everySettingIsDocumented() throws {
        for setting in try SettingSource().settings {
            #expect(setting.documentation.count > 20, "\(setting.key) has no sentence of documentation")
            #expect(setting.documentation.hasSuffix("."), "\(setting.key): \(setting.documentation)")
        }
    }

    @Test(arguments: badValues) func aBadValueIsRefusedWithPlaceKeyAndRemedy(
        key: String, value: String, remedy: String
    ) throws {
        let path = key.split(separator: ".")
        let lines = path.enumerated().map { "\(String(repeating: "  ", count: $0.offset))\($0.element):" }
        let text = "# The line that is named is the key's.\n" + lines.joined(separator: "\n") + " \(value)\n"
        let file = try folder.write(text, to: "bad.yml")
        let error = #expect(throws: ConfigurationError.self) {
            try RunConfiguration.load(
                files: [file], overrides: key.hasPrefix("data.t") ? [] : ["data.train=a", "data.test=a"],
                names: names)
        }
        let all = try #require(error.map { [$0] + $0.others })
        let fault = try #require(all.first { $0.key == key || $0.key.hasPrefix("\(key).") }, "\(all)")
        #expect(fault.origin == ConfigurationError.Origin(file: file, line: path.count + 1))
        #expect(fault.expected == remedy)
        #expect(error?.description.contains("\(file), line \(path.count + 1): \(fault.key) is ") == true)
    }

    /// The keys of a block of YAML that `RunConfiguration` writes.
    private static func keys(ofYAML text: String) -> [String] {
        var keys: [String] = []
        var path: [Substring] = []
        for line in text.split(separator: "\n") {
            let content = line.drop { $0 == " " }
            guard !content.hasPrefix("- "), let colon = content.firstIndex(of: ":") else { continue }
            let depth = (line.count - content.count) / 2
            // A key with deeper keys is a group.
            if depth == path.count, depth > 0, keys.last == path.joined(separator: ".") { keys.removeLast() }
            path = path.prefix(depth) + [content[..<colon]]
            keys.append(path.joined(separator: "."))
        }
        return keys
    }
}
