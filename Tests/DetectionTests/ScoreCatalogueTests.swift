import Cluster
import Detection
import Inference
import Kernels
import Testing

/// What every score of the catalogue promises.
@Suite(.timeLimit(.minutes(30))) struct ScoreCatalogueTests {
    private static let catalogue = ScoreCatalogue.standard

    @Test func namesAreUniqueAndLowerCase() {
        let names = Self.catalogue.names
        #expect(Set(names).count == names.count)
        for name in names { #expect(name.wholeMatch(of: /[a-z][a-z0-9_]*/) != nil, "\(name)") }
    }

    @Test(arguments: catalogue.scores) func itsSourceAndWhatItIsAreSaid(score: ScoreDefinition) {
        #expect(score.citation.contains(/\b(19|20)\d\d\b|arXiv \d{4}\.\d{5}/), "\(score.citation)")
        #expect(!score.summary.isEmpty && !score.summary.contains("\n") && !score.summary.hasSuffix("."))
    }

    @Test(arguments: catalogue.scores) func defaultsAreAllowedAndAmongThoseTried(score: ScoreDefinition) {
        let names = score.parameters.map(\.name)
        #expect(Set(names).count == names.count)
        for parameter in score.parameters {
            #expect(parameter.name.wholeMatch(of: /[a-z][a-zA-Z0-9]*/) != nil, "\(parameter.name)")
            #expect(!parameter.standardText.isEmpty, "\(parameter.name)")
            #expect(parameter.tried.allSatisfy(parameter.allows), "\(parameter.name)")
            guard let standard = parameter.standard else { continue }
            #expect(parameter.allows(standard), "\(parameter.name)")
            guard let low = parameter.tried.min(), let high = parameter.tried.max() else { continue }
            #expect((low...high).contains(standard), "\(parameter.name)")
        }
    }

    /// Settings that are written out give the score that they name, and the defaults its plain
    /// title.
    @Test(arguments: catalogue.scores) func titlesAreReadAgain(score: ScoreDefinition) throws {
        let defaults = score.parameters.compactMap { parameter in
            parameter.standard.map { "\(parameter.name)=\(parameter.text($0))" }
        }
        #expect(
            try Self.catalogue.score(([score.name] + defaults).joined(separator: ":")).title == score.name)
        for parameter in score.parameters {
            for value in parameter.tried where value != parameter.standard {
                let title = "\(score.name):\(parameter.name)=\(parameter.text(value))"
                let read: ScoreDefinition
                do {
                    read = try Self.catalogue.score(title)
                } catch {
                    // Only the order of two settings may be against it.
                    let names = try #require(score.traits.ascending, "\(title)")
                    #expect(error.expected == "\(names.low) below \(names.high)", "\(title)")
                    continue
                }
                #expect(read.title == title && read != score)
                #expect(read.chosen.map(\.value) == [value])
                #expect(!read.hasSearch)
            }
        }
    }

    private func contexts() throws -> (example: WorkedClassifier, fit: FitContext) {
        let example = WorkedClassifier()
        let fit = try FitContext(
            head: example.plainHead, training: example.shard(0..<60), validation: example.shard(60..<80),
            outliers: example.shard(80..<90), communicator: LocalCommunicator())
        return (example, fit)
    }

    @Test(arguments: catalogue.scores.filter { $0.networkCost == nil })
    func explicitDefaultsAreTheDefaults(score: ScoreDefinition) throws {
        let (example, fit) = try contexts()
        let settings = score.parameters.compactMap { parameter in
            parameter.standard.map { ScoreSetting(parameter, $0) }
        }
        let plain = example.evaluate(try score.makeScore(fit), head: example.plainHead)
        let explicit = example.evaluate(
            try score.makeScore(fit, settings: settings), head: example.plainHead)
        #expect(plain == explicit)
        #expect(plain.confidences.count == 2 && plain.confidences.filter(\.isFinite).count == 2)
        #expect(try score.makeScore(fit).precision == score.precision)
    }

    @Test func aChosenSettingIsTheInitialisersOwn() throws {
        let (example, fit) = try contexts()
        let evaluate = { (score: any Score) in example.evaluate(score, head: example.plainHead) }
        let cases: [(title: String, other: any Score)] = [
            ("knn:k=7", try NearestNeighbors(fit, neighbor: 7)),
            ("react:percentile=40", try FeatureClipping(fit, percentile: 40)),
            ("vra:high=40:low=25", try FeatureRectification(fit, percentiles: 25...40)),
            ("vra:lowFeatures=zeroed", try FeatureRectification(fit, lowFeatures: .zeroed)),
            ("fdbd:divisor=norm", DecisionBoundaryDistance(fit, regularizer: .norm)),
            ("gen:exponent=0.5:count=2", GeneralizedEntropy(exponent: 0.5, count: 2)),
            ("vim:dimension=1", try VirtualLogit(fit, dimension: 1)),
            ("dropout:rate=0.25:passes=9", MonteCarloDropout(rate: 0.25, passes: 9)),
            ("nnguide:k=3:bank=spread", try NearestNeighborGuidance(fit, neighbors: 3, bank: .spread)),
        ]
        for (title, other) in cases {
            let score = try Self.catalogue.score(title)
            let found = evaluate(try score.makeScore(fit))
            #expect(found == evaluate(other), "\(title)")
            #expect(score.title == title)
            let standard = try Self.catalogue.score(score.name)
            #expect(found != evaluate(try standard.makeScore(fit)), "\(title)")
        }
    }

    @Test(arguments: [
        ("mps", "one of msp, t2fnorm, mls,", "mps"),
        ("knn:j=2", "settings of knn: k", "j"),
        ("knn:", "settings of knn: k", ""),
        ("msp:k=2", "msp without settings, as it has none", "k"),
    ])
    func unknownNamesAreRefusedWithTheKnownOnes(text: String, expected: String, unknown: String) throws {
        let error = try #require(throws: ScoreError.self) { try Self.catalogue.score(text) }
        #expect(error.found == text && error.unknown == unknown && error.exitCode == 2)
        #expect(error.expected.hasPrefix(expected), "\(error.expected)")
    }

    @Test(arguments: [
        ("knn:k", "k=VALUE, where the value is a whole number from 1 to 1000000"),
        ("knn:k=0", "k=VALUE, where the value is a whole number from 1 to 1000000"),
        ("knn:k=1.5", "k=VALUE, where the value is a whole number from 1 to 1000000"),
        ("knn:k=0x10", "k=VALUE, where the value is a whole number from 1 to 1000000"),
        ("knn:k=010", "k=VALUE, where the value is a whole number from 1 to 1000000"),
        ("knn:k=nan", "k=VALUE, where the value is a whole number from 1 to 1000000"),
        ("react:percentile=101", "percentile=VALUE, where the value is a number from 0 to 100"),
        ("fdbd:divisor=square", "divisor=VALUE, where the value is distance or norm"),
        ("knn:k=2:k=3", "k once"), ("vra:low=90", "low below high"), ("adascale_a:high=10", "low below high"),
    ])
    func valuesThatAreNotAllowedAreRefused(text: String, expected: String) throws {
        let error = try #require(throws: ScoreError.self) { try Self.catalogue.score(text) }
        #expect(error.expected == expected)
        #expect(error.unknown == nil)
    }

    @Test(arguments: [
        ("knn:k=50", "knn"), ("knn:k=5e1", "knn"), ("gen:count=50:exponent=0.5", "gen:exponent=0.5:count=50"),
        ("nci:alpha=1e-5", "nci:alpha=1e-05"), ("vra:low=95:high=99", "vra:high=99:low=95"),
    ])
    func oneScoreHasOneTitle(text: String, title: String) throws {
        #expect(try Self.catalogue.score(text).title == title)
    }

    @Test func shardedScoresSaySo() throws {
        let (_, fit) = try contexts()
        let sharded = try Self.catalogue.scores.filter {
            try $0.networkCost == nil && $0.makeScore(fit).sharded != nil
        }
        #expect(sharded == [.knn, .relation, .cfood, .grood])
    }
}

@Suite(.timeLimit(.minutes(30))) struct ScoreNeedsTests {
    private static let lists: [([ScoreDefinition], ScoreNeeds.Training, Bool, Bool)] = [
        ([.msp], .nothing, false, false), ([.msp, .fdbd], .mean, false, false),
        ([.fdbd, .knn], .features, false, false), ([.react], .nothing, true, false),
        ([.fdbd, .react], .mean, true, false), ([.grood], .features, false, true),
        ([], .nothing, false, false),
    ]

    @Test(arguments: lists)
    func aListNeedsWhatOneOfItNeeds(
        scores: [ScoreDefinition], training: ScoreNeeds.Training, validation: Bool, outliers: Bool
    ) {
        let needs = ScoreNeeds(scores, hasValidation: true)
        #expect(needs.training == training && needs.validation == validation)
        #expect(needs.outliers == outliers && !needs.members)
        let searched = ScoreNeeds(scores, hasValidation: true, searches: true)
        #expect(searched.training == training && searched.validation && searched.outliers)
    }

    @Test func withoutAValidationSetTheTrainingSetIsRead() {
        #expect(ScoreNeeds([.react], hasValidation: false).training == .features)
        #expect(ScoreNeeds([.msp, .ensemble], hasValidation: false).training == .nothing)
        #expect(ScoreNeeds([.msp, .ensemble], hasValidation: false).members)
    }
}

/// Scores from outside the package.
@Suite(.timeLimit(.minutes(30))) struct AddedScoreTests {
    private let margin = ScoreDefinition(
        name: "margin", summary: "the largest logit minus the second largest", citation: "none, 2026"
    ) { feature, logits in
        precondition(feature.count == 4)
        var (first, second) = (-Float.infinity, -Float.infinity)
        for k in logits.indices {
            if logits[k] > first {
                (first, second) = (logits[k], first)
            } else {
                second = max(second, logits[k])
            }
        }
        return Double(first - second)
    }

    @Test func anAddedScoreIsFoundAndComputed() throws {
        let catalogue = try ScoreCatalogue.standard.adding(margin)
        #expect(catalogue.names == ScoreCatalogue.standard.names + ["margin"])
        let example = WorkedClassifier()
        let found = example.evaluate(
            try catalogue.score("margin").makeScore(), head: example.plainHead)
        // The logits are 1.9125, 0.425, 1.6125 and 0.725, 0.8625, 1.6125.
        for (found, expected) in zip(found.confidences, [0.3, 0.75]) { #expect(abs(found - expected) < 1e-6) }
        #expect(found.predictions == [0, 2])
        #expect(throws: ScoreError.self) { try ScoreCatalogue.standard.score("margin") }
    }

    @Test(arguments: [
        ("knn", "a name that no other score has"), ("kNN", "a name of lower-case letters"), ("", "a name of"),
    ])
    func aNameThatIsTakenOrBadIsRefused(name: String, expected: String) throws {
        let score = ScoreDefinition(name: name, summary: "zero", citation: "none, 2026") { _, _ in 0 }
        let error = try #require(throws: ScoreError.self) { try ScoreCatalogue.standard.adding(score) }
        #expect(error.expected.hasPrefix(expected))
    }
}
