import RunConfiguration
import Testing

let names = KnownNames(
    networks: ["resnet18_32x32", "resnet20"], scores: ["msp", "t2fnorm", "mls", "ebo", "mds", "knn"],
    featureScores: ["mds", "knn"])

/// The error of a configuration that is valid except for `override`.
func refusal(of override: String) -> ConfigurationError? {
    do throws(ConfigurationError) {
        _ = try RunConfiguration.load(
            files: [], overrides: ["data.train=images", "data.test=images", override], names: names)
        return nil
    } catch {
        return error
    }
}

@Suite(.timeLimit(.minutes(30))) struct ValidationTests {
    @Test func theDefaultsNeedOnlyATrainingSet() throws {
        #expect(
            throws: ConfigurationError(
                key: "data.train", found: "empty", expected: "the folder of a packed dataset")
        ) { try RunConfiguration().validate(names: names) }
        var configuration = RunConfiguration()
        configuration.data.train = "images"
        try configuration.validate(names: names)
    }

    @Test func aBlockFitsIntoItsWindow() throws {
        var configuration = RunConfiguration()
        configuration.data.train = "images"
        configuration.data.window = 100
        configuration.data.block = 100
        try configuration.validate(names: names)
        configuration.data.block = 101
        #expect(
            throws: ConfigurationError(
                key: "data.block", found: "101", expected: "a number of records from 1 to data.window (100)")
        ) { try configuration.validate(names: names) }
    }

    @Test func imagesThatAreMixedNeedAMicrobatchOfTwo() throws {
        var configuration = RunConfiguration()
        configuration.data.train = "images"
        configuration.training.microbatch = 2
        configuration.mixing.name = .mixup
        try configuration.validate(names: names)
        configuration.training.microbatch = 1
        #expect(
            throws: ConfigurationError(
                key: "mixing.name", found: "mixup",
                expected: "none, as images are mixed within their microbatch and training.microbatch is 1")
        ) { try configuration.validate(names: names) }
    }

    /// Settings that are incompatible with a loss over pairs, or with a head without classes.
    @Test(arguments: [
        ("head.name=linear", "projection, as loss.name is reweightOOD, which has no use for classes' logits"),
        (
            "loss.name=crossEntropy",
            "linear or t2fnorm, as loss.name is crossEntropy, which takes logits; projection goes with reweightOOD"
        ),
        ("mixing.name=mixup", "none, as loss.name is reweightOOD, which compares samples of one class each"),
        ("loss.smoothing=0.1", "0, as loss.name is reweightOOD, which has no target to smooth"),
        (
            "compute.accumulation=2",
            "0 or 1, as loss.name is reweightOOD, which compares all samples of a batch at once"
        ),
        (
            "evaluation.scores=[mds, msp]",
            "one of mds, knn, as a network with a projection head has no logits"
        ),
    ])
    func aLossOverPairsStandsAlone(override: String, expected: String) throws {
        let overrides = [
            "data.train=images", "loss.name=reweightOOD", "head.name=projection",
            "evaluation.scores=[mds, knn]",
        ]
        let whole = try RunConfiguration.load(files: [], overrides: overrides, names: names)
        #expect(whole.loss.comparesPairs)
        let error = #expect(throws: ConfigurationError.self) {
            try RunConfiguration.load(files: [], overrides: overrides + [override], names: names)
        }
        #expect(error?.expected == expected)
    }

    /// Settings that are refused, and the expectation in their error.
    @Test(arguments: [
        ("name=a/b", "the name of a folder, without '/' and control characters"),
        ("name=..", "the name of a folder, without '/' and control characters"),
        ("output=''", "a folder"),
        ("data.window=-1", "a number of records below 2^40, or 0 for all"),
        ("data.window=9223372036854775807", "a number of records below 2^40, or 0 for all"),
        ("name=\"a\\e[2J\"", "the name of a folder, without '/' and control characters"),
        ("data.block=0", "a number of records from 1 to data.window (all)"),
        ("cluster.bucketBytes=0", "a number of bytes from 1, below 2^40"),
        ("cluster.sentinelEvery=-1", "a number of steps below 2^40, or 0 for only before each checkpoint"),
        ("cluster.reduction=ring", "one of tree, library"),
        ("data.prefetchBytes=0", "a number of bytes from 1 to 2^50"),
        ("data.transform.decode=fast", "one of exact, scaled"),
        ("data.prefetch=0", "a number of batches from 1 to 1024"),
        ("data.transform.size=0", "a number of pixels from 1 to 16384"),
        (
            "data.transform.resize=31",
            "0, or a number of pixels from data.transform.size (32) to 16384"
        ),
        ("data.transform.padding=-1", "a number of pixels from 0 to data.transform.size (32)"),
        ("data.transform.padding=33", "a number of pixels from 0 to data.transform.size (32)"),
        ("data.transform.smallestArea=0", "a number above 0 and at most 1"),
        ("data.transform.smallestArea=1.1", "a number above 0 and at most 1"),
        ("data.transform.color.brightness=-0.1", "a finite number from 0"),
        ("data.transform.color.contrast=.inf", "a finite number from 0"),
        ("data.transform.color.saturation=.nan", "a finite number from 0"),
        ("data.transform.color.hue=0.6", "a number of turns from 0 to 0.5"),
        ("data.transform.color.probability=2", "a number from 0 to 1"),
        ("data.transform.color.gray=-1", "a number from 0 to 1"),
        ("head.outputs=0", "a whole number from 1 to 65536"),
        ("optimizer.schedule=sine", "one of cosine, linear, polynomial, multiStep, oneCycle, constant"),
        (
            "optimizer.schedule=oneCycle",
            "another shape, or optimizer.warmUpEpochs or optimizer.warmUpSteps above 0, which oneCycle rises in"
        ),
        ("optimizer.milestones=[0, 2]", "numbers of epochs from 1 to 1000000 in rising order"),
        ("optimizer.milestones=[2, 2]", "numbers of epochs from 1 to 1000000 in rising order"),
        ("optimizer.factor=0", "a number above 0 and below 1"),
        ("optimizer.power=.inf", "a finite number above 0"),
        ("optimizer.betas=[0.9, 1]", "two numbers from 0 up to, but not including, 1"),
        ("optimizer.betas=[-0.1, 0.9]", "two numbers from 0 up to, but not including, 1"),
        ("optimizer.epsilon=.nan", "a finite number above 0"),
        (
            "optimizer.noDecay=[norm, norm]",
            "[automatic], or a list of different groups of weight, norm, bias"
        ),
        ("optimizer.ema.decay=-0.1", "a number above 0 and below 1, or 0 for no average"),
        ("optimizer.scheduleInterval=batch", "one of step, epoch"),
        (
            "optimizer.warmUpEpochs=100",
            "a number of epochs from 0 up to, but not including, training.epochs (100)"
        ),
        ("optimizer.warmUpLearningRate=-1", "a finite number from 0"),
        ("data.transform.mean=[0.5, 0.5]", "three finite numbers"),
        ("data.transform.mean=[0.5, .nan, 0.5]", "three finite numbers"),
        ("data.transform.standardDeviation=[1, 0, 1]", "three finite numbers above 0"),
        ("data.transform.standardDeviation=[1, 1, 1, 1]", "three finite numbers above 0"),
        ("network.classes=1", "a whole number from 2 to 1000000"),
        ("head.temperature=0", "a finite number above 0"),
        ("head.temperature=-0.1", "a finite number above 0"),
        ("head.temperature=.inf", "a finite number above 0"),
        ("head.temperature=.nan", "a finite number above 0"),
        ("loss.name=hinge", "one of crossEntropy, logitNorm, reweightOOD"),
        ("loss.temperature=0", "a finite number above 0"),
        ("loss.smoothing=1", "a number from 0 up to, but not including, 1"),
        ("loss.smoothing=-0.1", "a number from 0 up to, but not including, 1"),
        ("mixing.name=blend", "one of none, mixup, cutMix, regMixup"),
        ("mixing.alpha=-1", "a finite number above 0, or 0 for the method's default"),
        ("mixing.probability=1.5", "a number from 0 to 1"),
        ("optimizer.learningRate=0", "a finite number above 0"),
        ("optimizer.minimumLearningRate=0.2", "a number from 0 to optimizer.learningRate (0.1)"),
        ("optimizer.minimumLearningRate=-1", "a number from 0 to optimizer.learningRate (0.1)"),
        ("optimizer.momentum=1", "a number from 0 up to, but not including, 1"),
        ("optimizer.momentum=.nan", "a number from 0 up to, but not including, 1"),
        ("optimizer.weightDecay=-0.1", "a finite number from 0"),
        ("training.epochs=0", "a whole number from 1 to 1000000"),
        ("training.batch=0", "a multiple of training.microbatch (32) from 32 to 16777216"),
        ("training.batch=100", "a multiple of training.microbatch (32) from 32 to 16777216"),
        ("training.microbatch=0", "a number of samples from 1 to 65536"),
        ("training.checkpointEvery=-1", "a number of steps below 2^40, or 0 for each epoch"),
        (
            "training.checkpointMinutes=-1",
            "a number of minutes up to 1000000, or 0 for no checkpoints by the clock"
        ),
        (
            "training.checkpointMinutes=.nan",
            "a number of minutes up to 1000000, or 0 for no checkpoints by the clock"
        ),
        ("data.order=sorted", "one of shuffled, stored"),
        ("training.keep=0", "a whole number from 1"),
        ("training.keepEvery=-1", "a number of checkpoints up to 1000000, or 0 for none"),
        ("training.onCheckpointFailure=ignore", "one of stop, continue"),
        ("training.stopAfterSteps=-1", "a number of steps below 2^40, or 0 for never"),
        (
            "batchNorm.group=48",
            "0, or a multiple of training.microbatch (32) up to training.batch (128)"
        ),
        (
            "batchNorm.group=160",
            "0, or a multiple of training.microbatch (32) up to training.batch (128)"
        ),
        ("batchNorm.group=-32", "0, or a multiple of training.microbatch (32) up to training.batch (128)"),
        (
            "compute.threads=-1",
            "a number of threads up to 4096, or 0 to share the cores among the ranks"
        ),
        ("compute.convolution=fast", "one of shape, autotune, winograd, tiled, library"),
        ("evaluation.scores=[]", "a list of different scores"),
        ("evaluation.scores=[msp, msp]", "a list of different scores"),
        ("evaluation.batch=0", "a whole number from 1 to 1000000"),
        ("evaluation.temperature=maybe", "one of automatic, training, none"),
        ("evaluation.grood=fast", "one of openood, exact"),
        ("evaluation.near.tin=''", "the folder of a packed dataset"),
    ])
    func aBadValueIsNamedWithWhatIsExpected(override: String, expected: String) throws {
        let error = try #require(refusal(of: override))
        #expect(override.hasPrefix("\(error.key)="))
        #expect(error.expected == expected)
        #expect(error.description.hasPrefix("--set \(override): \(error.key) is "))
    }

    @Test func nesterovNeedsMomentum() {
        #expect(
            refusal(of: "optimizer.momentum=0")?.description
                == "optimizer.nesterov is true, expected false, as optimizer.momentum is 0")
    }

    @Test func multiStepNeedsMilestones() {
        #expect(refusal(of: "optimizer={schedule: multiStep}")?.key == "optimizer.milestones")
        #expect(refusal(of: "optimizer={schedule: multiStep, milestones: [1, 200]}") == nil)
    }

    @Test func aWarmUpIsInEpochsOrInSteps() {
        #expect(
            refusal(of: "optimizer={warmUpEpochs: 2, warmUpSteps: 10}")?.expected
                == "0, as optimizer.warmUpEpochs is 2")
        #expect(refusal(of: "optimizer={schedule: oneCycle, warmUpSteps: 10}") == nil)
    }

    @Test func aDatasetIsEitherNearOrFar() {
        #expect(
            refusal(of: "evaluation={near: {tin: a, svhn: b}, far: {svhn: c}}")?.key
                == "evaluation.far.svhn")
    }

    @Test(arguments: ["nearood", "farood", "a/b"])
    func aDatasetsNameIsARowOfItsOwn(name: String) {
        #expect(refusal(of: "evaluation={far: {\(name): path}}")?.key == "evaluation.far")
    }

    @Test func aBenchmarkNeedsATestSet() throws {
        #expect(refusal(of: "data.test=''") == nil)
        let found = #expect(throws: ConfigurationError.self) {
            try RunConfiguration.load(
                files: [], overrides: ["data.train=a", "evaluation.near.tin=b"], names: names)
        }
        #expect(found?.key == "data.test")
    }

    @Test func aSearchNeedsBothValidationSets() {
        #expect(refusal(of: "evaluation.search=true")?.key == "evaluation.outlierValidation")
        let found = #expect(throws: ConfigurationError.self) {
            try RunConfiguration.load(
                files: [],
                overrides: ["data.train=a", "evaluation={search: true, outlierValidation: b}"], names: names)
        }
        #expect(found?.key == "data.validation")
        #expect(refusal(of: "evaluation.outlierValidation=b") == nil)
    }

    @Test func anUnknownNetworkIsNamedWithTheKnownOnes() {
        #expect(
            refusal(of: "network.name=resnet2")?.description == """
                --set network.name=resnet2: network.name is resnet2, expected one of resnet18_32x32, resnet20; \
                did you mean resnet20?
                """)
    }

    @Test(arguments: [
        ("resnet18", "resnet18_32x32"), ("ResNet-18", "resnet18_32x32"), ("resnet18_224", "resnet18_224x224"),
        ("resnet3", "resnet34"), ("resnet21", "resnet20"), ("resnet", "resnet34"),
    ])
    func aNameThatWasBegunIsSuggestedBeforeOneOfFewEdits(found: String, suggested: String) {
        let known = KnownNames(
            networks: ["resnet34", "resnet18_32x32", "resnet18_224x224", "resnet20"], scores: names.scores)
        let error = #expect(throws: ConfigurationError.self) {
            try RunConfiguration.load(
                files: [], overrides: ["data.train=a", "network.name=\(found)"], names: known)
        }
        #expect(error?.suggestion == suggested)
    }

    @Test func anUnknownScoreIsNamedWithTheKnownOnes() {
        #expect(
            refusal(of: "evaluation.scores=[msp, energy]")?.description == """
                --set evaluation.scores=[msp, energy]: evaluation.scores is energy, expected one of msp, \
                t2fnorm, mls, ebo, mds, knn
                """)
    }
}
