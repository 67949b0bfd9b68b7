internal import Kernels

/// Which tensors of a pass exist at the same time, and where each of them lies in one arena.
///
/// A layer says when a tensor begins and ends, in the order of its work; `place()` then lays tensors out so that those that
/// exist at the same time do not overlap. The layers get their buffers with `bind(in:)`.
struct MemoryPlan {
    /// One tensor of the plan.
    struct Tensor: Hashable, Sendable {
        fileprivate let index: Int
    }

    private struct Entry {
        let byteCount: Int
        /// The step of the work at which it begins, and that at which it and all in its place have ended.
        let begin: Int
        var end = Int.max
        /// Tensors in this place that have not ended.
        var open = 1
        /// The tensor whose place it takes.
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

    /// A tensor begins.
    ///
    /// - Parameters:
    ///   - count: Its elements.
    ///   - place: Another tensor of at least this size, which it overwrites element by element.
    ///   - bind: Gets its buffer.
    mutating func begin<Element: BitwiseCopyable & Numeric>(
        _ count: Int, inPlaceOf place: Tensor? = nil,
        _ bind: @escaping (consuming Buffer<Element>) -> Void
    ) -> Tensor {
        let bytes = count * MemoryLayout<Element>.stride
        let host = place.map { entries[$0.index].host ?? $0.index }
        if let host {
            precondition(
                bytes <= entries[host].byteCount,
                "\(bytes) bytes in the place of \(entries[host].byteCount)")
            entries[host].open += 1
        }
        entries.append(
            Entry(byteCount: bytes, begin: now, host: host) { arena, offset in
                if let arena {
                    bind(Buffer(in: arena, at: offset, count: count))
                } else {
                    bind(Buffer(zeros: 0))
                }
            })
        return Tensor(index: entries.count - 1)
    }

    /// A tensor is not needed any more.
    mutating func end(_ tensor: Tensor) {
        now += 1
        let index = entries[tensor.index].host ?? tensor.index
        entries[index].open -= 1
        if entries[index].open == 0 { entries[index].end = now }
    }

    /// A tensor that exists for one step of the work.
    mutating func moment<Element: BitwiseCopyable & Numeric>(
        _ count: Int, _ bind: @escaping (consuming Buffer<Element>) -> Void
    ) {
        end(begin(count, bind))
    }

    /// Gives every tensor its place, the largest first, each at the lowest offset that is free during its life.
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

    /// Hands out the buffers; empty ones without an arena.
    func bind(in arena: Arena?) {
        for entry in entries { entry.bind(arena, entry.offset) }
    }

    private func padded(_ byteCount: Int) -> Int {
        (byteCount + Arena.alignment - 1) / Arena.alignment * Arena.alignment
    }
}
