extension AlgorithmSelection {
    private enum CaseKey: String, CodingKey {
        case shape, fixed, autotuned, mixed
        /// The key of `autotuned` in earlier versions.
        case measured
    }

    private enum ValueKey: String, CodingKey {
        case algorithm, algorithms
        /// The keys of earlier versions.
        case path, paths
    }

    /// Decodes what `encode(to:)` writes, with the keys of this version or an earlier one.
    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CaseKey.self)
        guard container.allKeys.count == 1, let key = container.allKeys.first else {
            throw DecodingError.dataCorrupted(
                .init(
                    codingPath: decoder.codingPath,
                    debugDescription: "\(container.allKeys.count) keys of a selection, expected one"))
        }
        let values = try container.nestedContainer(keyedBy: ValueKey.self, forKey: key)
        switch key {
        case .shape: self = .shape
        case .mixed: self = .mixed
        case .fixed: self = .fixed(algorithm: try values.decode(.algorithm, else: .path))
        case .autotuned, .measured:
            self = .autotuned(algorithms: try values.decode(.algorithms, else: .paths))
        }
    }
}

extension AlgorithmSelection.Entry {
    private enum Key: String, CodingKey { case shape, algorithm, path }

    /// Decodes an entry; `path` is an earlier version's key for `algorithm`.
    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        self.init(
            shape: try container.decode(ConvolutionShape.self, forKey: .shape),
            algorithm: try container.decode(.algorithm, else: .path))
    }
}

extension KeyedDecodingContainer {
    /// The value of `key`, or of the key of an earlier version.
    func decode<Value: Decodable>(_ key: Key, else earlier: Key) throws -> Value {
        try decode(Value.self, forKey: contains(earlier) && !contains(key) ? earlier : key)
    }
}
