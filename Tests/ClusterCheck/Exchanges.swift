import Cluster

/// Checks gathers, broadcasts, maxima and the ranks on the host.
func checkExchanges(on communicator: any Communicator) throws {
    for largest in [0, 1, 5, 30_000] {
        try checkGather(Float.self, largest: largest, on: communicator) { Float($0) }
        try checkGather(Double.self, largest: largest, on: communicator) { Double($0) / 3 }
        try checkGather(Int32.self, largest: largest, on: communicator) { Int32(truncatingIfNeeded: -$0) }
        try checkGather(Int64.self, largest: largest, on: communicator) { Int64($0) << 33 }
        try checkGather(UInt8.self, largest: largest, on: communicator) { UInt8(truncatingIfNeeded: $0) }
    }
    for root in 0..<communicator.worldSize {
        for count in [0, 1, 57, 100_003] { try checkBroadcast(count: count, from: root, on: communicator) }
    }
    let (rank, worldSize) = (communicator.rank, communicator.worldSize)
    let maximum = try communicator.maximum(rank * 3 - 1)
    try expect(maximum == (worldSize - 1) * 3 - 1, "maximum \(maximum)")
    let minimum = try communicator.minimum(rank * 3 - 1)
    try expect(minimum == -1, "minimum \(minimum)")
    let isAnyLast = try communicator.anyRank(rank == worldSize - 1)
    let isAny = try communicator.anyRank(false)
    try expect(isAnyLast && !isAny, "any rank: \(isAnyLast), \(isAny)")
    try expect(
        communicator.localRank == rank && communicator.localSize == worldSize,
        "rank \(communicator.localRank) of \(communicator.localSize) on host \(communicator.hostName)")
    try communicator.barrier()
}

/// Rank r contributes `largest` − r values, or none if r is 1.
private func checkGather<Element: MessageElement>(
    _: Element.Type, largest: Int, on communicator: any Communicator, value: (Int) -> Element
) throws {
    func values(_ rank: Int) -> [Element] {
        (0..<(rank == 1 ? 0 : max(0, largest - rank))).map { value(rank * 1_000_000 + $0) }
    }
    let everyone = (0..<communicator.worldSize).map(values)
    let own = everyone[communicator.rank]
    let known = try communicator.allGather(own.span, counts: everyone.map(\.count))
    let unknown = try communicator.allGather(own.span)
    try expect(known == Array(everyone.joined()), "\(Element.self) of up to \(largest) a rank: other values")
    try expect(known == unknown, "\(Element.self) of up to \(largest) a rank: other values without counts")
}

private func checkBroadcast(count: Int, from root: Int, on communicator: any Communicator) throws {
    let expected = (0..<count).map { Float($0 + root) }
    var found = communicator.rank == root ? expected : [Float](repeating: -1, count: count)
    var span = found.mutableSpan
    try communicator.broadcast(&span, from: root)
    try expect(found == expected, "broadcast of \(count) from rank \(root): other values")

    let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 * 7 + root) }
    let received = try communicator.broadcast(communicator.rank == root ? bytes : [], from: root)
    try expect(received == bytes, "broadcast of \(count) bytes from rank \(root): other bytes")
}
