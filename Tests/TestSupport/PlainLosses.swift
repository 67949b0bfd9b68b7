import Foundation

/// The specification of the losses of `[N, K]` logits, as the mean over the samples.
package struct PlainLoss {
    package var labels: [Int32]
    package var partners: [Int32]
    /// Mixing weight of the label; the partner's is 1 minus it.
    package var shares: [Double]
    /// ε of label smoothing.
    package var smoothing = 0.0
    /// τ of LogitNorm; `nil` without logit normalisation.
    package var logitTemperature: Double?

    package init(
        labels: [Int32], partners: [Int32], shares: [Double], smoothing: Double = 0,
        logitTemperature: Double? = nil
    ) {
        self.labels = labels
        self.partners = partners
        self.shares = shares
        self.smoothing = smoothing
        self.logitTemperature = logitTemperature
    }

    package func callAsFunction(_ logits: [Double]) -> Double {
        let classes = logits.count / labels.count
        return labels.indices.reduce(0) { sum, sample in
            let row = Array(logits[sample * classes..<(sample + 1) * classes])
            return sum
                + loss(
                    of: sample, logitTemperature.map { plainLogitNormalization(row, temperature: $0) } ?? row)
        } / Double(labels.count)
    }

    private func loss(of sample: Int, _ row: [Double]) -> Double {
        let largest = row.max() ?? 0
        let logOfSum = largest + log(row.reduce(0) { $0 + exp($1 - largest) })
        return row.indices.reduce(0) { sum, k in
            let mixed =
                (k == Int(labels[sample]) ? shares[sample] : 0)
                + (k == Int(partners[sample]) ? 1 - shares[sample] : 0)
            let target = (1 - smoothing) * mixed + smoothing / Double(row.count)
            return sum - target * (row[k] - logOfSum)
        }
    }
}

/// `z / (‖z‖₂ + 1e-7) / τ` of one row.
package func plainLogitNormalization(_ row: [Double], temperature: Double) -> [Double] {
    let divisor = (euclideanNorm(row) + 1e-7) * temperature
    return row.map { $0 / divisor }
}
