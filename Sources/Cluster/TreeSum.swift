internal import CMPI

extension MPICommunicator {
    package func treeSum(_ values: inout MutableSpan<Float>) throws(MPIError) {
        try sumOverRanks(&values)
    }

    package func treeSum(_ values: inout MutableSpan<Double>) throws(MPIError) {
        try sumOverRanks(&values)
    }

    package func treeSum(_ values: inout MutableSpan<Int64>) throws(MPIError) {
        try sumOverRanks(&values)
    }

    private func sumOverRanks<Element: MessageElement>(
        _ values: inout MutableSpan<Element>
    ) throws(MPIError) {
        guard worldSize > 1, !values.isEmpty else { return }
        try unsafe values.withUnsafeMutableBufferPointer { elements throws(MPIError) in
            try unsafe TreeSum(of: elements, over: self).run()
        }
    }
}

/// One sum over the ranks in progress, with its receive buffer.
///
/// Rank r is paired with r ⊕ 1, then r ⊕ 2, r ⊕ 4, …, in each of three algorithms: a butterfly on
/// the whole buffer if it is small; recursive halving and doubling (Rabenseifner, "Optimization of
/// Collective Reduction Operations", 2004) if it is large; and a tree to rank 0, followed by a
/// broadcast, if the world size is not a power of two.
@safe private struct TreeSum<Element: MessageElement> {
    let communicator: MPICommunicator
    let values: UnsafeMutableBufferPointer<Element>
    /// The receive buffer: two messages of `capacity` elements.
    let arrived: UnsafeMutableBufferPointer<Element>
    let capacity: Int

    init(of values: UnsafeMutableBufferPointer<Element>, over communicator: MPICommunicator) {
        let fitting = communicator.limits.sumMessageByteCount / MemoryLayout<Element>.stride
        self.communicator = communicator
        unsafe self.values = unsafe values
        capacity = min(max(1, fitting), values.count)
        let room = unsafe communicator.room(byteCount: 2 * capacity * MemoryLayout<Element>.stride)
        unsafe arrived = unsafe room.bindMemory(to: Element.self)
    }

    func run() throws(MPIError) {
        let byteCount = unsafe values.count * MemoryLayout<Element>.stride
        if !communicator.isExact {
            try sumAtRankZeroAndBroadcast()
        } else if byteCount <= communicator.limits.wholeSumByteCount {
            try sumWhole()
        } else {
            try sumByHalves()
        }
    }

    private var all: Range<Int> { unsafe 0..<values.count }

    private func sumWhole() throws(MPIError) {
        var bit = 1
        while bit < communicator.worldSize {
            communicator.noteExchange()
            try exchange(with: communicator.rank ^ bit, sending: all, adding: all)
            bit <<= 1
        }
    }

    /// Reduce-scatter, then all-gather: each step sums one half of the remaining segment and sends
    /// the other half to the partner; then the partners exchange the summed halves in reverse
    /// order.
    private func sumByHalves() throws(MPIError) {
        var steps: [(partner: Int, own: Range<Int>, other: Range<Int>)] = []
        var segment = all
        var bit = 1
        while bit < communicator.worldSize {
            let middle = segment.lowerBound + (segment.count + 1) / 2
            let halves = (segment.lowerBound..<middle, middle..<segment.upperBound)
            let (own, other) = communicator.rank & bit == 0 ? halves : (halves.1, halves.0)
            let partner = communicator.rank ^ bit
            communicator.noteExchange()
            try exchange(with: partner, sending: other, adding: own)
            steps.append((partner, own, other))
            segment = own
            bit <<= 1
        }
        for step in steps.reversed() {
            communicator.noteExchange()
            try exchange(with: step.partner, sending: step.own, overwriting: step.other)
        }
    }

    /// The same tree without the missing ranks; rank 0 broadcasts its sum.
    private func sumAtRankZeroAndBroadcast() throws(MPIError) {
        let rank = communicator.rank
        let none = 0..<0
        var bit = 1
        while bit < communicator.worldSize {
            if rank & bit != 0 {
                try exchange(with: rank - bit, sending: all, adding: none)
                break
            }
            if rank + bit < communicator.worldSize {
                try exchange(with: rank + bit, sending: none, adding: all)
            }
            bit <<= 1
        }
        var span = unsafe MutableSpan(_unsafeElements: values)
        try communicator.broadcast(&span, from: 0)
    }

    /// Sends one range of the values and adds the partner's messages to another; while one message
    /// is added, the next one is in transit.
    private func exchange(
        with partner: Int, sending: Range<Int>, adding: Range<Int>
    ) throws(MPIError) {
        let count = messageCount(sending, adding)
        guard count > 0 else { return }
        var current = try unsafe transfer(0, with: partner, sending, adding, into: slot(0))
        for message in 0..<count {
            let next =
                message + 1 < count
                ? try unsafe transfer(message + 1, with: partner, sending, adding, into: slot(message + 1))
                : unsafe Transfer()
            try unsafe communicator.wait(for: current)
            let own = part(message, of: adding)
            let arrived = unsafe slot(message)
            for i in 0..<own.count {
                let place = own.lowerBound + i
                unsafe values[place] = Element.sum(values[place], arrived[i])
            }
            unsafe current = unsafe next
        }
    }

    private func messageCount(_ ranges: Range<Int>...) -> Int {
        let longest = ranges.map(\.count).max() ?? 0
        return (longest + capacity - 1) / capacity
    }

    private func part(_ message: Int, of range: Range<Int>) -> Range<Int> {
        let start = min(range.lowerBound + message * capacity, range.upperBound)
        return start..<min(start + capacity, range.upperBound)
    }

    /// The receive buffer of message `message`; message + 2 reuses it.
    private func slot(_ message: Int) -> UnsafeMutablePointer<Element> {
        unsafe arrived.baseAddress! + message % 2 * capacity
    }

    /// Starts to send and to receive message `message`; an empty range sends or receives nothing.
    private func transfer(
        _ message: Int, with partner: Int, _ sending: Range<Int>, _ adding: Range<Int>,
        into target: UnsafeMutablePointer<Element>
    ) throws(MPIError) -> Transfer {
        let size = MemoryLayout<Element>.stride
        let (outgoing, incoming) = (part(message, of: sending), part(message, of: adding))
        return try unsafe communicator.transfer(
            with: partner, sending: UnsafeRawPointer(values.baseAddress! + outgoing.lowerBound),
            outgoing.count * size, receiving: target, incoming.count * size)
    }

    /// Sends one range of the values and overwrites another with the partner's.
    private func exchange(
        with partner: Int, sending: Range<Int>, overwriting: Range<Int>
    ) throws(MPIError) {
        let size = MemoryLayout<Element>.stride
        let capacity = max(1, communicator.limits.messageByteCount / size)
        var sent = sending.lowerBound
        var filled = overwriting.lowerBound
        while sent < sending.upperBound || filled < overwriting.upperBound {
            let outgoing = sent..<min(sent + capacity, sending.upperBound)
            let incoming = filled..<min(filled + capacity, overwriting.upperBound)
            try unsafe communicator.wait(
                for: communicator.transfer(
                    with: partner, sending: UnsafeRawPointer(values.baseAddress! + outgoing.lowerBound),
                    outgoing.count * size, receiving: values.baseAddress! + incoming.lowerBound,
                    incoming.count * size))
            sent = outgoing.upperBound
            filled = incoming.upperBound
        }
    }
}
