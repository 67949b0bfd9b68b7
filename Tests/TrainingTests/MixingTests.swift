import Checkpoints
import Foundation
import Kernels
import RunConfiguration
import TestSupport
import Testing
import Training

@Suite(.slow, .timeLimit(.minutes(30)))
struct MixingTests {
    private static func configuration(_ name: MixingConfiguration.Name) -> RunConfiguration {
        var configuration = RunConfiguration()
        configuration.seed = 5
        configuration.training.batch = 16
        configuration.training.microbatch = 4
        configuration.mixing.name = name
        return configuration
    }

    private static func mixer(_ name: MixingConfiguration.Name) -> BatchMixer {
        BatchMixer(Mixing(configuration(name)), samplesPerImage: name == .regMixup ? 2 : 1)
    }

    @Test func theSharesOfBatchesAreThoseOfTheirDistribution() throws {
        let mixing = Mixing(Self.configuration(.regMixup))
        let shares = try (0..<2000).map { try #require(mixing.draw(epoch: $0 % 7, step: $0)).share }
        #expect(Set(shares).count > 1900)
        // Variance 1 / (4 · 41) at α = 20.
        let variance = shares.reduce(0) { $0 + ($1 - 0.5) * ($1 - 0.5) } / 2000
        #expect(abs(variance * 164 - 1) < 0.15)
        #expect(mixing.draw(epoch: 3, step: 9) == mixing.draw(epoch: 3, step: 9))
        var other = Self.configuration(.regMixup)
        other.seed = 6
        #expect(mixing.draw(epoch: 3, step: 9) != Mixing(other).draw(epoch: 3, step: 9))
    }

    @Test func everyEpochHasDrawsOfItsOwn() throws {
        let mixing = Mixing(Self.configuration(.regMixup))
        let mixer = Self.mixer(.mixup)
        for step in 0..<5 {
            #expect(mixing.draw(epoch: 0, step: step) != mixing.draw(epoch: 1, step: step))
            let samples = (0..<2).map {
                mixer.samples(epoch: $0, step: step, first: 0, count: 14, isMixed: true)
            }
            #expect(samples[0] != samples[1])
        }
    }

    /// Zhang et al. (arXiv 1710.09412), Yun et al. (1905.04899), Pinto et al. (2206.14502).
    @Test(arguments: [(MixingConfiguration.Name.mixup, 0.2), (.cutMix, 1), (.regMixup, 20)])
    func theUsualSharesAreTheMethods(name: MixingConfiguration.Name, alpha: Double) {
        #expect(Self.configuration(name).mixing.resolvedAlpha == alpha)
    }

    @Test func aProbabilityLeavesSomeBatchesAsTheyAre() {
        var configuration = Self.configuration(.cutMix)
        configuration.mixing.probability = 0.5
        let mixing = Mixing(configuration)
        let count = (0..<2000).count { mixing.draw(epoch: 0, step: $0) != nil }
        #expect((900...1100).contains(count))
    }

    /// The share is the area outside the box, also if the image's edge clips the box.
    @Test func theShareOfCutMixIsTheAreaAroundTheBox() throws {
        let mixing = Mixing(Self.configuration(.cutMix))
        var cut = 0
        for step in 0..<500 {
            let draw = try #require(mixing.draw(epoch: 1, step: step))
            let box = try #require(draw.box)
            #expect(box.rows.lowerBound >= 0 && box.rows.upperBound <= 32)
            #expect(box.columns.lowerBound >= 0 && box.columns.upperBound <= 32)
            #expect(draw.share == 1 - Float(box.area) / 1024)
            if box.rows.count != box.columns.count { cut += 1 }
        }
        #expect(cut > 100)
    }

    @Test func partnersArePermutationsOfTheMicrobatch() throws {
        let mixer = Self.mixer(.mixup)
        let samples = mixer.samples(epoch: 2, step: 3, first: 0, count: 14, isMixed: true)
        #expect(samples.map(\.image) == Array(0..<14))
        for microbatch in [0..<4, 4..<8, 8..<12, 12..<14] {
            #expect(Set(samples[microbatch].compactMap(\.partner)) == Set(microbatch))
        }
        let next = mixer.samples(epoch: 2, step: 4, first: 0, count: 14, isMixed: true)
        #expect(samples != next)
        #expect(
            mixer.samples(epoch: 2, step: 3, first: 0, count: 3, isMixed: false).map(\.partner)
                == [nil, nil, nil])
    }

    /// A rank's mixtures are those that a single rank makes of the same images.
    @Test(arguments: [MixingConfiguration.Name.mixup, .regMixup])
    func aRankMixesItsPartOfTheBatch(name: MixingConfiguration.Name) throws {
        let mixer = Self.mixer(name)
        let whole = mixer.samples(epoch: 1, step: 1, first: 0, count: 14, isMixed: true)
        let part = mixer.samples(epoch: 1, step: 1, first: 8, count: 6, isMixed: true)
        let moved = part.map {
            BatchMixer.Sample(image: $0.image + 8, partner: $0.partner.map { $0 + 8 })
        }
        #expect(Array(whole.suffix(part.count)) == moved)
        #expect(part.count == (name == .regMixup ? 12 : 6))
    }

    @Test func regMixupPutsTheMixturesOfAMicrobatchBehindItsImages() throws {
        let mixer = Self.mixer(.regMixup)
        let samples = mixer.samples(epoch: 0, step: 0, first: 0, count: 6, isMixed: true)
        #expect(samples.map(\.image) == [0, 1, 2, 3, 0, 1, 2, 3, 4, 5, 4, 5])
        let isPlain = samples.map { $0.partner == nil }
        #expect(isPlain == [true, true, true, true, false, false, false, false, true, true, false, false])
    }
}

/// Every training method on a small run.
@Suite(.timeLimit(.minutes(30)))
struct TrainingMethodTests {
    @Test(arguments: [
        "loss.name=logitNorm", "loss.smoothing=0.1", "mixing.name=mixup", "mixing.name=cutMix",
        "mixing.name=regMixup",
    ])
    func everyWorldGivesTheSameBits(setting: String) throws {
        try SmallRun.expectSameBitsInEveryWorld { try $0.set(setting) }
    }

    @Test func everyMethodTrainsAnotherModel() throws {
        var losses: [String] = []
        for setting in [
            "loss.smoothing=0", "loss.name=logitNorm", "loss.smoothing=0.1", "mixing.name=mixup",
            "mixing.name=cutMix", "mixing.name=regMixup",
        ] {
            try SmallRun.with { run in
                var run = run
                try run.set(setting)
                run.configuration.training.stopAfterSteps = 2
                try run.train(ranks: 1)
                losses.append(try #require(try run.metrics().last))
            }
        }
        #expect(Set(losses).count == losses.count)
    }
}

extension SmallRun {
    /// Applies one setting, as `--set` does.
    mutating func set(_ setting: String) throws {
        let file = "\(folder)/small.yml"
        try configuration.yaml.write(toFile: file, atomically: true, encoding: .utf8)
        configuration = try RunConfiguration.load(
            files: [file], overrides: [setting],
            names: KnownNames(networks: ["resnet20"], scores: ["t2fnorm", "msp", "mls", "ebo"]))
    }
}
