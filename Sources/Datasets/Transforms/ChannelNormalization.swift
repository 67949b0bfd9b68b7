/// Normalisation of a pixel per channel: `(v / 255 − mean) / deviation`, in single precision.
package struct ChannelNormalization: Equatable, Sendable {
    /// Mean per channel (red, green, blue), in units of full brightness.
    package let mean: [Float]
    /// Standard deviation per channel, in units of full brightness; above 0.
    package let deviation: [Float]

    /// - Precondition: Both have three elements, and every deviation is above 0.
    package init(mean: [Float], deviation: [Float]) {
        precondition(
            mean.count == 3 && deviation.count == 3, "\(mean.count) means, \(deviation.count) deviations")
        precondition(deviation.allSatisfy { $0 > 0 }, "deviations \(deviation)")
        self.mean = mean
        self.deviation = deviation
    }

    /// The constants that OpenOOD uses for CIFAR-10.
    package static let cifar10 = ChannelNormalization(
        mean: [0.4914, 0.4822, 0.4465], deviation: [0.2470, 0.2435, 0.2616])
    /// The constants that OpenOOD uses for CIFAR-100.
    package static let cifar100 = ChannelNormalization(
        mean: [0.5071, 0.4867, 0.4408], deviation: [0.2675, 0.2565, 0.2761])
    /// The constants of ImageNet and its subsets.
    package static let imageNet = ChannelNormalization(
        mean: [0.485, 0.456, 0.406], deviation: [0.229, 0.224, 0.225])
}
