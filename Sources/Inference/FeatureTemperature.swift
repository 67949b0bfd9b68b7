/// Whether scores of a T2FNorm network divide features by its temperature τ.
package enum FeatureTemperature: String, Sendable {
    /// Features are divided by τ unless there are 1000 classes: the published ImageNet-1k network
    /// was fine-tuned and is scored without τ.
    case automatic
    /// Features are divided by τ.
    case training
    /// Features are not divided.
    case none

    /// The temperature that features are divided by.
    ///
    /// - Parameter trained: τ of the network's head; `nil` for a head without τ.
    /// - Returns: `nil` if features are not divided.
    package func divisor(trained: Float?, classes: Int) -> Float? {
        switch self {
        case .automatic: classes == 1000 ? nil : trained
        case .training: trained
        case .none: nil
        }
    }
}
