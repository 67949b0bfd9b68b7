extension RandomStream {
    /// A sample of the standard normal distribution, by the Box–Muller transform; uses two uniform
    /// numbers.
    package mutating func standardNormal() -> Double {
        let radius = (-2 * logarithm(1 - uniformDouble())).squareRoot()
        return radius * cosine(2 * .pi * uniformDouble())
    }

    /// A sample of the beta distribution with both parameters `alpha`, from 0 to 1.
    ///
    /// - Parameter alpha: Above 0; below 1 the ends are likelier than the middle.
    package mutating func symmetricBeta(_ alpha: Double) -> Double {
        precondition(alpha > 0, "alpha is \(alpha), expected a number above 0")
        // With a small `alpha` both gamma samples may underflow, so their logarithms are used.
        let (left, right) = (logarithmOfGamma(alpha), logarithmOfGamma(alpha))
        return 1 / (1 + exponential(right - left))
    }

    /// The logarithm of a sample of the gamma distribution of shape `shape` and scale 1.
    ///
    /// Marsaglia, Tsang: "A simple method for generating gamma variables", ACM Transactions on
    /// Mathematical Software 26, 2000; shapes below 1 as in its section 6.
    private mutating func logarithmOfGamma(_ shape: Double) -> Double {
        guard shape >= 1 else {
            return logarithmOfGamma(shape + 1) + logarithm(1 - uniformDouble()) / shape
        }
        let d = shape - 1.0 / 3
        let c = 1 / (9 * d).squareRoot()
        while true {
            let x = standardNormal()
            let v = (1 + c * x) * (1 + c * x) * (1 + c * x)
            guard v > 0 else { continue }
            if logarithm(1 - uniformDouble()) < x * x / 2 + d - d * v + d * logarithm(v) {
                return logarithm(d * v)
            }
        }
    }
}
