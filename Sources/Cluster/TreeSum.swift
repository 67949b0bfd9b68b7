internal import CMPI

extension MPICommunicator {
    public func treeSum(_ values: inout MutableSpan<Float>) throws(MPIError) {
        try sumOverRanks(&values)
    }

    public func treeSum(_ values: inout MutableSpan<Double>) throws(MPIError) {
        try sumOverRanks(&values)
    }

    public func treeSum(_ values: inout MutableSpan<Int64>) throws(MPIError) {
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

/// One sum over ranks under way, with room for a message that arrives.
///
/// The pairing is r with r ⊕ 1, then r ⊕ 2, r ⊕ 4, …, in each of three forms: a butterfly on the whole buffer where it
/// is small; halving and doubling (Rabenseifner, "Optimization of Collective Reduction Operations", 2004) where
/// it is large; and a tree to rank 0 where the world size is no power of two.
@safe private struct TreeSum<Element: MessageElement> {
    let communicator: MPICommunicator
    let values: UnsafeMutableBufferPointer<Element>
    /// Room for two messages of `capacity` elements.
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

    /// Each step sums half of what is left and leaves the other half to the partner; then the halves come back.
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

    /// The same tree, as far as ranks are there; rank 0's sum is everyone's.
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

    /// Sends one range of the values while adding what the partner sends to another; while one message is added, the next
    /// one is under way.
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

    /// Where message `message` arrives; the one after the next takes its place.
    private func slot(_ message: Int) -> UnsafeMutablePointer<Element> {
        unsafe arrived.baseAddress! + message % 2 * capacity
    }

    /// Begins to send and to receive message `message`; nothing goes in a direction without elements.
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

    /// Sends one range of the values while the partner's replace another.
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
