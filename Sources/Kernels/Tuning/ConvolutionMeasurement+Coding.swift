extension ConvolutionMeasurement {
    private enum Key: String, CodingKey { case shape, candidates, algorithm, path, relativeError }

    /// Decodes a measurement; `path` is an earlier version's key for `algorithm`.
    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        self.init(
            shape: try container.decode(ConvolutionShape.self, forKey: .shape),
            candidates: try container.decode([Candidate].self, forKey: .candidates),
            algorithm: try container.decode(.algorithm, else: .path),
            relativeError: try container.decode(Double.self, forKey: .relativeError))
    }
}

extension ConvolutionMeasurement.Candidate {
    private enum Key: String, CodingKey { case algorithm, path, secondsPerImage }

    /// Decodes a candidate; `path` is an earlier version's key for `algorithm`.
    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        self.init(
            algorithm: try container.decode(.algorithm, else: .path),
            secondsPerImage: try container.decode(Double.self, forKey: .secondsPerImage))
    }
}
