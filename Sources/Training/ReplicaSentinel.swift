package import Checkpoints
internal import Checksums
package import Cluster
internal import Failures
package import Memory
package import Networks
package import Workers

/// Compares the ranks' replicas: a bit that memory or a network has flipped on one rank would
/// otherwise spread to all.
package struct ReplicaSentinel {
    /// One checksum per tensor, of its values and of those that the slots have for it.
    private let checksums: [Int64]
    /// One per tensor: 0 if all values are finite, 1 if its own are not, 2 + k if only those of slot
    /// k and perhaps of later ones are not.
    private let flaws: [Int64]
    private let names: [String]
    private let layout: SlotLayout

    /// Takes the checksums of a rank's replica.
    ///
    /// - Parameters:
    ///   - slots: The optimiser's state.
    ///   - layout: The places of the slots.
    package init(
        _ store: ParameterStore, slots: borrowing Buffer<Float>, layout: SlotLayout, on pool: WorkerPool
    ) {
        self.layout = layout
        let slots = slots.span
        let found = withSpans(store.values, store.statistics) {
            Self.inspect(
                store.entries, values: $0, statistics: $1, slots: slots, layout, batchCount: store.batchCount,
                on: pool)
        }
        checksums = stride(from: 0, to: found.count, by: 2).map { found[$0] }
        flaws = stride(from: 1, to: found.count, by: 2).map { found[$0] }
        names = store.entries.map(\.name)
    }

    private static let (sound, brokenValue, brokenSlot) = (Int64(0), Int64(1), Int64(2))

    /// A checksum and a flaw code for each tensor.
    private static func inspect(
        _ entries: [TensorEntry], values: Span<Float>, statistics: Span<Float>, slots: Span<Float>,
        _ layout: SlotLayout, batchCount: Int, on pool: WorkerPool
    ) -> [Int64] {
        var found = [Int64](repeating: sound, count: 2 * entries.count)
        var results = found.mutableSpan
        pool.split(&results, every: 2) { index, result in
            let entry = entries[index]
            var checksum = CRC64()
            for slot in layout.slots.indices.reversed() {
                guard let place = layout.entry(entry, inSlot: slot) else { continue }
                update(&checksum, slots.extracting(place.range))
                if !isFinite(slots.extracting(place.range)) { result[1] = brokenSlot + Int64(slot) }
            }
            switch entry.role {
            case .parameter:
                update(&checksum, values.extracting(entry.range))
                if !isFinite(values.extracting(entry.range)) { result[1] = brokenValue }
            case .statistic:
                update(&checksum, statistics.extracting(entry.range))
                if !isFinite(statistics.extracting(entry.range)) { result[1] = brokenValue }
            case .batchCount: checksum.update([batchCount])
            }
            result[0] = Int64(bitPattern: checksum.value)
        }
        return found
    }

    private static func isFinite(_ values: Span<Float>) -> Bool {
        let exponent = Float.infinity.bitPattern
        var most: UInt32 = 0
        for i in values.indices { most = max(most, values[i].bitPattern & exponent) }
        return most != exponent
    }

    /// Compares the ranks' replicas; collective.
    ///
    /// - Throws: `JobFailure`, the same on all ranks, which names the ranks that differ from the
    ///   majority, and the first differing tensor. If a tensor has NaN or infinite values on all
    ///   ranks, the failure names that tensor instead: the bits of such values may differ without a
    ///   fault of the memory.
    package func compare(step: Int, _ communicator: any Communicator) throws {
        guard try differ(communicator) else { return }
        if let name = try firstFlaw(communicator) {
            let (code, message) = failureReport(of: TrainingError.tensorNotFinite(name: name, step: step))
            throw JobFailure(rank: 0, exitCode: code, message: message)
        }
        let all = try communicator.allGather(checksums.span)
        guard let (tensor, culprits) = Self.firstDifference(all, tensorCount: names.count) else { return }
        throw JobFailure(
            rank: 0, exitCode: ExitCode.environment,
            message: Self.message(
                culprits, of: try communicator.hostNames(), tensor: names[tensor], step: step))
    }

    /// The first tensor with a flaw on all ranks, named as in a checkpoint.
    private func firstFlaw(_ communicator: any Communicator) throws -> String? {
        let all = try communicator.allGather(flaws.span)
        let slots = layout.slots.enumerated().map { (Self.brokenSlot + Int64($0), "\($1.name)/") }
        for (flaw, prefix) in [(Self.brokenValue, "")] + slots {
            let tensor = names.indices.first { tensor in
                all[tensor] == flaw
                    && stride(from: tensor, to: all.count, by: names.count).allSatisfy {
                        all[$0] != Self.sound
                    }
            }
            if let tensor { return prefix + names[tensor] }
        }
        return nil
    }

    /// Whether a checksum over all tensors differs between ranks. A comparison that finds no
    /// difference sends only this small message.
    private func differ(_ communicator: any Communicator) throws -> Bool {
        var whole = CRC64()
        whole.update(checksums)
        let own = [Int64(bitPattern: whole.value)]
        return Set(try communicator.allGather(own.span)).count > 1
    }

    /// The first tensor whose checksums differ, and the ranks that differ from the majority;
    /// `checksums` is ordered by rank.
    private static func firstDifference(
        _ checksums: [Int64], tensorCount: Int
    ) -> (tensor: Int, culprits: [Int])? {
        for tensor in 0..<tensorCount {
            let values = stride(from: tensor, to: checksums.count, by: tensorCount).map { checksums[$0] }
            if let culprits = culprits(values) { return (tensor, culprits) }
        }
        return nil
    }

    private static func message(
        _ culprits: [Int], of hosts: [String], tensor: String, step: Int
    ) -> String {
        let ranks = culprits.map { "\($0) (\(hosts[$0]))" }.joined(separator: ", ")
        let who =
            culprits.count == 1
            ? "rank \(ranks) has other bits in '\(tensor)' than the others"
            : "ranks \(ranks) have other bits in '\(tensor)' than each other or the rest"
        return """
            \(who) after step \(step), so no checkpoint is written: test the memory and the network of that host, then run \
            the same command again to go on from the last checkpoint
            """
    }

    /// The ranks whose value is not the majority's; all ranks if there is no majority; `nil` if all
    /// agree.
    static func culprits(_ values: [Int64]) -> [Int]? {
        guard values.contains(where: { $0 != values[0] }) else { return nil }
        let counts = Dictionary(grouping: values, by: \.self).mapValues(\.count)
        let common = counts.first { $0.value * 2 > values.count }?.key
        return values.indices.filter { values[$0] != common }
    }

    private static func update(_ checksum: inout CRC64, _ part: Span<Float>) {
        unsafe checksum.update(part.bytes)
    }
}
