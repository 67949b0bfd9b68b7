package import Memory
package import Networks
package import Software
package import Workers

/// A copy of a run's state in memory of its own, from which files are written while training
/// continues.
///
/// Values keep the network's memory layout, which is the fastest to copy; they are converted to
/// PyTorch's order when they are written.
///
/// `@unchecked Sendable`: one thread at a time owns it, either the one that takes it or the one
/// that writes it.
package final class Snapshot: @unchecked Sendable {
    private let entries: [TensorEntry]
    private var values: Buffer<Float>
    private var velocity: Buffer<Float>
    private var statistics: Buffer<Float>
    private var batchCount = 0
    /// Everything but the tensors.
    private(set) var head: Checkpoint

    /// Memory for snapshots of `classifier` and its momentum.
    ///
    /// - Parameters:
    ///   - configuration: See `Checkpoint`.
    ///   - dataFingerprint: See `Checkpoint`.
    ///   - software: See `Checkpoint`.
    package init(
        of classifier: Classifier, configuration: String, dataFingerprint: String,
        software: SoftwareRecord? = nil
    ) {
        let store = classifier.parameters
        entries = store.entries
        values = Buffer(zeros: store.parameterCount)
        velocity = Buffer(zeros: store.parameterCount)
        statistics = Buffer(zeros: store.statistics.count)
        head = Checkpoint(
            headOf: classifier, position: TrainingPosition(), configuration: configuration,
            dataFingerprint: dataFingerprint)
        head.software = software
    }

    /// Bytes of memory that a snapshot of `classifier` takes.
    package static func byteCount(of classifier: Classifier) -> Int {
        let store = classifier.parameters
        return MemoryLayout<Float>.size * (2 * store.parameterCount + store.statistics.count)
    }

    /// Overwrites the snapshot with the current state.
    ///
    /// - Parameters:
    ///   - velocity: Laid out like the parameters.
    ///   - pool: The threads that copy.
    /// - Returns: The first tensor with a NaN or infinite value, named as in a checkpoint; `nil` if
    ///   all values are finite.
    package func take(
        _ store: ParameterStore, velocity: borrowing Buffer<Float>, position: TrainingPosition,
        on pool: WorkerPool
    ) -> String? {
        let finite = [
            withSpans(store.values, into: &values) { Self.copy($0, into: &$1, on: pool) },
            withSpans(velocity, into: &self.velocity) { Self.copy($0, into: &$1, on: pool) },
            withSpans(store.statistics, into: &statistics) { Self.copy($0, into: &$1, on: pool) },
        ]
        batchCount = store.batchCount
        head.position = position
        return finite.contains(false) ? firstNotFinite : nil
    }

    /// The state tensors that `CheckpointFile` writes.
    var state: [CheckpointFile.TensorMaker] {
        entries.map { entry in
            CheckpointFile.TensorMaker(name: entry.name, shape: entry.shape) {
                self.copyElements(of: entry, to: &$0)
            }
        }
    }

    var momentum: [CheckpointFile.TensorMaker] {
        entries.filter { $0.role == .parameter }.map { entry in
            CheckpointFile.TensorMaker(name: entry.name, shape: entry.shape) {
                entry.copyElements(in: self.velocity, to: &$0)
            }
        }
    }

    private func copyElements(of entry: TensorEntry, to elements: inout MutableSpan<Float>) {
        switch entry.role {
        case .parameter: entry.copyElements(in: values, to: &elements)
        case .statistic: entry.copyElements(in: statistics, to: &elements)
        case .batchCount: elements[0] = Float(batchCount)
        }
    }

    private var firstNotFinite: String? {
        for (prefix, tensors) in [("", state), ("momentum/", momentum)] {
            for tensor in tensors {
                var elements = [Float](repeating: 0, count: tensor.shape.reduce(1, *))
                var span = elements.mutableSpan
                tensor.make(&span)
                if !elements.allSatisfy(\.isFinite) { return prefix + tensor.name }
            }
        }
        return nil
    }

    /// Copies values.
    ///
    /// - Returns: Whether all of them are finite.
    private static func copy(
        _ source: Span<Float>, into target: inout MutableSpan<Float>, on pool: WorkerPool
    ) -> Bool {
        let chunk = 1 << 16
        /// The exponent bits; only NaN and infinities have all of them set.
        let exponent = Float.infinity.bitPattern
        var most = [UInt32](repeating: 0, count: (source.count + chunk - 1) / chunk)
        var marks = most.mutableSpan
        pool.split(&target, every: chunk, &marks, every: 1) { item, target, mark in
            let source = source.extracting(item * chunk..<item * chunk + target.count)
            var bits: UInt32 = 0
            for i in source.indices {
                let value = source[i]
                target[i] = value
                bits = max(bits, value.bitPattern & exponent)
            }
            mark[0] = bits
        }
        return !most.contains(exponent)
    }
}
