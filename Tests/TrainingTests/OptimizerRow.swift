import Networks
import RunConfiguration
import TestSupport
import Testing

/// An optimiser with settings of its own, and its plain twin: a row of the contract's table.
struct OptimizerRow: Sendable, CustomTestStringConvertible {
    /// Settings below `optimizer`.
    let settings: [String]
    /// The slots of its checkpoints, in order.
    var slots = ["momentum"]
    /// The kinds of parameters without decay.
    var undecayed: Set<TensorEntry.Kind> = []
    /// The rate with which a parabola is descended.
    var rate = 0.05
    /// Updates one tensor.
    let twin: @Sendable (inout PlainTensor, PlainUpdate) -> Void

    var testDescription: String { settings.isEmpty ? "defaults" : settings.joined(separator: " ") }

    static let all = [
        OptimizerRow(settings: []) { $0.moveByMomentum($1) },
        OptimizerRow(settings: ["nesterov=false", "momentum=0.5"]) {
            $0.moveByMomentum($1, momentum: 0.5, isNesterov: false)
        },
        OptimizerRow(settings: ["noDecay=[norm, bias]"], undecayed: [.norm, .bias]) {
            $0.moveByMomentum($1)
        },
        OptimizerRow(settings: ["ema.decay=0.75"], slots: ["momentum", "average"]) {
            $0.moveByMomentum($1)
        },
        OptimizerRow(settings: ["name=adamw", "betas=[0.8, 0.95]"], slots: ["mean", "square"], rate: 0.02) {
            $0.moveByAdamW($1, betas: (0.8, 0.95), epsilon: 1e-8)
        },
        OptimizerRow(
            settings: ["name=adamw", "epsilon=0.001", "noDecay=[norm]", "ema.decay=0.9", "ema.every=3"],
            slots: ["mean", "square", "average"], undecayed: [.norm], rate: 0.02
        ) { $0.moveByAdamW($1, betas: (0.9, 0.999), epsilon: 1e-3) },
        OptimizerRow(settings: ["name=lars", "trustCoefficient=1"], undecayed: [.norm]) {
            $0.moveByLARS($1, coefficient: 1, untrusted: [.norm, .bias])
        },
        OptimizerRow(
            settings: [
                "name=lars", "trustCoefficient=0.5", "noTrustRatio=[bias]", "noDecay=[]", "ema.decay=0.5",
            ],
            slots: ["momentum", "average"]
        ) { $0.moveByLARS($1, coefficient: 0.5, untrusted: [.bias]) },
    ]

    /// A configuration with these settings.
    func configuration(_ others: [String] = []) throws -> OptimizerConfiguration {
        try RunConfiguration.load(
            files: [],
            overrides: ["data.train=a"] + (settings + others).map { "optimizer.\($0)" }, names: nil
        ).optimizer
    }
}

/// A tensor in double precision, with its optimiser's state; empty before the first update.
struct PlainTensor {
    var values: [Double]
    let kind: TensorEntry.Kind
    var state: [[Double]] = []
}

/// What is the same for a whole update.
struct PlainUpdate {
    let gradient: [Double]
    /// Counted from 1.
    let number: Int
    let rate: Double
    let weightDecay: Double
}

extension PlainTensor {
    mutating func moveByMomentum(
        _ update: PlainUpdate, momentum: Double = 0.9, isNesterov: Bool = true
    ) {
        var velocity = state.first ?? []
        plainMomentumStep(
            &values, gradient: update.gradient, velocity: &velocity, rate: update.rate, momentum: momentum,
            weightDecay: update.weightDecay, isNesterov: isNesterov)
        state = [velocity]
    }

    mutating func moveByLARS(
        _ update: PlainUpdate, coefficient: Double, untrusted: Set<TensorEntry.Kind>
    ) {
        var velocity = state.first ?? []
        plainLARSStep(
            &values, gradient: update.gradient, velocity: &velocity, rate: update.rate, momentum: 0.9,
            weightDecay: update.weightDecay, coefficient: untrusted.contains(kind) ? nil : coefficient)
        state = [velocity]
    }

    mutating func moveByAdamW(_ update: PlainUpdate, betas: (Double, Double), epsilon: Double) {
        plainAdamWStep(
            &values, gradient: update.gradient, state: &state, number: update.number, rate: update.rate,
            betas: betas, epsilon: epsilon, weightDecay: update.weightDecay)
    }
}
