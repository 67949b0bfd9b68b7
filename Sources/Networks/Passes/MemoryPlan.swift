internal import Memory

/// The lifetimes of a pass's tensors, and the offset of each in one arena.
///
/// Layers declare the beginning and end of each tensor's lifetime in the order of execution;
/// `place()` then chooses offsets such that tensors with overlapping lifetimes do not overlap in
/// memory. `bind(in:)` gives the layers their buffers.
struct MemoryPlan {
    /// One tensor of the plan.
    struct Tensor: Hashable, Sendable {
        fileprivate let index: Int
    }

    private struct Entry {
        let byteCount: Int
        /// The step of the plan at which it begins, and the step at which it and all tensors in its
        /// memory have ended.
        let begin: Int
        var end = Int.max
        /// Tensors in its memory that have not ended.
        var open = 1
        /// The tensor whose memory it reuses.
        let host: Int?
        var offset = 0
        let bind: (Arena?, Int) -> Void

        func exists(with other: Entry) -> Bool { begin < other.end && other.begin < end }
    }

    private var entries: [Entry] = []
    private var now = 0
    /// Bytes of the arena; set by `place()`.
    private(set) var byteCount = 0

    init() {}

    /// Begins a tensor's lifetime.
    ///
    /// - Parameters:
    ///   - count: Number of elements.
    ///   - place: Another tensor of at least this size, which it overwrites element by element.
    ///   - bind: Receives its buffer.
    mutating func begin<Element: BitwiseCopyable & Numeric>(
        _ count: Int, inPlaceOf place: Tensor? = nil,
        _ bind: @escaping (consuming Buffer<Element>) -> Void
    ) -> Tensor {
        let bytes = count * MemoryLayout<Element>.stride
        let host = place.map { entries[$0.index].host ?? $0.index }
        if let host {
            precondition(
                bytes <= entries[host].byteCount,
                "\(bytes) bytes in the memory of a tensor of \(entries[host].byteCount)")
            entries[host].open += 1
        }
        entries.append(
            Entry(byteCount: bytes, begin: now, host: host) { arena, offset in
                if let arena {
                    // Tensors whose lifetimes overlap get disjoint places (`layout`).
                    unsafe bind(Buffer(in: arena, at: offset, count: count))
                } else {
                    bind(Buffer(zeros: 0))
                }
            })
        return Tensor(index: entries.count - 1)
    }

    /// Ends a tensor's lifetime.
    mutating func end(_ tensor: Tensor) {
        now += 1
        let index = entries[tensor.index].host ?? tensor.index
        entries[index].open -= 1
        if entries[index].open == 0 { entries[index].end = now }
    }

    /// Chooses the offset of every tensor, the largest first, each the lowest that is free during
    /// the tensor's lifetime.
    mutating func place() {
        let order = entries.indices.filter { entries[$0].host == nil && entries[$0].byteCount > 0 }
            .sorted { (entries[$0].byteCount, $1) > (entries[$1].byteCount, $0) }
        var placed: [Int] = []
        for index in order {
            let neighbours = placed.filter { entries[$0].exists(with: entries[index]) }
                .map { entries[$0].offset..<entries[$0].offset + padded(entries[$0].byteCount) }
                .sorted { $0.lowerBound < $1.lowerBound }
            var offset = 0
            for neighbour in neighbours where neighbour.lowerBound < offset + padded(entries[index].byteCount)
            {
                offset = max(offset, neighbour.upperBound)
            }
            entries[index].offset = offset
            byteCount = max(byteCount, offset + padded(entries[index].byteCount))
            placed.append(index)
        }
        for index in entries.indices {
            if let host = entries[index].host { entries[index].offset = entries[host].offset }
        }
    }

    /// Gives the layers their buffers; empty ones without an arena.
    func bind(in arena: Arena?) {
        for entry in entries { entry.bind(arena, entry.offset) }
    }

    private func padded(_ byteCount: Int) -> Int {
        (byteCount + Arena.alignment - 1) / Arena.alignment * Arena.alignment
    }
}
