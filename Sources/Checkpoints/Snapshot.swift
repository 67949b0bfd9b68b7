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
    private let layout: SlotLayout
    private var slots: Buffer<Float>
    private var statistics: Buffer<Float>
    private var batchCount = 0
    /// Everything but the tensors.
    private(set) var head: Checkpoint

    /// Memory for snapshots of `classifier` and its training state.
    ///
    /// - Parameters:
    ///   - slots: The training state.
    ///   - configuration: See `Checkpoint`.
    ///   - dataFingerprint: See `Checkpoint`.
    ///   - software: See `Checkpoint`.
    package init(
        of classifier: Classifier, slots: [StateSlot], configuration: String, dataFingerprint: String,
        software: SoftwareRecord? = nil
    ) {
        let store = classifier.parameters
        entries = store.entries
        values = Buffer(zeros: store.parameterCount)
        layout = SlotLayout(slots, of: store)
        self.slots = Buffer(zeros: layout.count)
        statistics = Buffer(zeros: store.statistics.count)
        head = Checkpoint(
            headOf: classifier, position: TrainingPosition(), configuration: configuration,
            dataFingerprint: dataFingerprint)
        head.software = software
    }

    /// Bytes of memory that a snapshot of `classifier` with `slots` takes.
    package static func byteCount(of classifier: Classifier, slots: [StateSlot]) -> Int {
        let store = classifier.parameters
        let slots = SlotLayout(slots, of: store).count
        return MemoryLayout<Float>.size * (store.parameterCount + store.statistics.count + slots)
    }

    /// Overwrites the snapshot with the current state.
    ///
    /// - Parameters:
    ///   - slots: All slots, as `SlotLayout` places them.
    ///   - pool: The threads that copy.
    /// - Returns: The first tensor with a NaN or infinite value, named as in a checkpoint; `nil` if
    ///   all values are finite.
    package func take(
        _ store: ParameterStore, slots: borrowing Buffer<Float>, position: TrainingPosition,
        on pool: WorkerPool
    ) -> String? {
        let finite = [
            withSpans(store.values, into: &values) { Self.copy($0, into: &$1, on: pool) },
            withSpans(slots, into: &self.slots) { Self.copy($0, into: &$1, on: pool) },
            withSpans(store.statistics, into: &statistics) { Self.copy($0, into: &$1, on: pool) },
        ]
        batchCount = store.batchCount
        head.position = position
        return finite.contains(false) ? firstNotFinite : nil
    }

    /// The state tensors that `CheckpointFile` writes.
    var state: CheckpointFile.Group { .state(entries.map(maker)) }

    /// The state tensors of the model that is evaluated: the weights' average if there is one.
    var model: CheckpointFile.Group {
        guard let average = layout.slots.firstIndex(of: .average) else { return state }
        return .state(entries.map { maker($0, inSlot: average) ?? maker($0) })
    }

    /// The tensors of each slot.
    var slotGroups: [CheckpointFile.Group] {
        layout.slots.enumerated().map { index, slot in
            CheckpointFile.Group(
                name: slot.name, tensors: entries.compactMap { maker($0, inSlot: index) })
        }
    }

    private func maker(_ entry: TensorEntry) -> CheckpointFile.TensorMaker {
        CheckpointFile.TensorMaker(name: entry.name, shape: entry.shape) {
            self.copyElements(of: entry, to: &$0)
        }
    }

    private func maker(_ entry: TensorEntry, inSlot index: Int) -> CheckpointFile.TensorMaker? {
        guard let place = layout.entry(entry, inSlot: index) else { return nil }
        return CheckpointFile.TensorMaker(name: entry.name, shape: entry.shape) {
            place.copyElements(in: self.slots, to: &$0)
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
        for group in [state] + slotGroups {
            for tensor in group.tensors {
                var elements = [Float](repeating: 0, count: tensor.shape.reduce(1, *))
                var span = elements.mutableSpan
                tensor.make(&span)
                if !elements.allSatisfy(\.isFinite) {
                    return group.name == "state" ? tensor.name : "\(group.name)/\(tensor.name)"
                }
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
