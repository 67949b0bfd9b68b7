internal import CMPI
internal import Synchronization

/// The ranks that `mpirun` or `srun` started.
///
/// `@unchecked Sendable`: MPI runs with `MPI_THREAD_MULTIPLE`, and only an atomic counter and the
/// receive buffer of sums change after `init`; a communicator runs one sum at a time.
@safe package final class MPICommunicator: Communicator, @unchecked Sendable {
    package let rank: Int
    package let worldSize: Int
    package let localRank: Int
    package let localSize: Int
    package let hostName = nameOfThisHost()

    /// All ranks, for data.
    let world: MPI_Comm
    /// All ranks, for the notices of `abort`, which must not be mistaken for data.
    let notices: MPI_Comm
    let limits: TransferLimits
    /// Whether a wait sleeps between polls instead of spinning inside MPI.
    let isPatient: Bool
    private let exchanges = Atomic<Int>(0)
    private var sumRoom = unsafe UnsafeMutableRawBufferPointer(start: nil, count: 0)

    /// Starts MPI.
    init(limits: TransferLimits) throws {
        self.limits = limits
        isPatient = false
        var support: Int32 = 0
        try Self.check(
            "MPI_Init_thread", unsafe MPI_Init_thread(nil, nil, Int32(MPI_THREAD_MULTIPLE), &support))
        guard support >= Int32(MPI_THREAD_MULTIPLE) else {
            throw LaunchError(
                problem: "this MPI cannot be called from several threads",
                remedy: "use an Open MPI built with MPI_THREAD_MULTIPLE")
        }
        unsafe world = unsafe CMPI_COMM_WORLD()
        try Self.check(
            "MPI_Comm_set_errhandler", unsafe MPI_Comm_set_errhandler(world, CMPI_ERRORS_RETURN()))
        (rank, worldSize) = try unsafe Self.place(in: world)

        var duplicate: MPI_Comm?
        try Self.check("MPI_Comm_dup", unsafe MPI_Comm_dup(world, &duplicate))
        unsafe notices = unsafe duplicate!

        var host: MPI_Comm?
        try Self.check(
            "MPI_Comm_split_type",
            unsafe MPI_Comm_split_type(
                world, Int32(MPI_COMM_TYPE_SHARED), Int32(rank), CMPI_INFO_NULL(), &host))
        (localRank, localSize) = try unsafe Self.place(in: host!)
        try Self.check("MPI_Comm_free", unsafe MPI_Comm_free(&host))
    }

    /// The ranks of `other`, with separate messages.
    private init(duplicating other: MPICommunicator) throws(MPIError) {
        (rank, worldSize) = (other.rank, other.worldSize)
        (localRank, localSize) = (other.localRank, other.localSize)
        limits = other.limits
        isPatient = true
        unsafe notices = unsafe other.notices
        var duplicate: MPI_Comm?
        try other.check("MPI_Comm_dup", unsafe MPI_Comm_dup(other.world, &duplicate))
        unsafe world = unsafe duplicate!
    }

    deinit { unsafe sumRoom.deallocate() }

    /// The receive buffer of a sum. It is reused from sum to sum, since new memory costs a page
    /// fault per page.
    func room(byteCount: Int) -> UnsafeMutableRawBufferPointer {
        if unsafe sumRoom.count < byteCount {
            unsafe sumRoom.deallocate()
            unsafe sumRoom = .allocate(byteCount: byteCount, alignment: 64)
        }
        return unsafe UnsafeMutableRawBufferPointer(rebasing: sumRoom[..<byteCount])
    }

    package var exchangeCount: Int { exchanges.load(ordering: .relaxed) }

    /// Counts the start of an exchange.
    func noteExchange() { exchanges.add(1, ordering: .relaxed) }

    package func duplicate() throws(MPIError) -> any Communicator {
        try MPICommunicator(duplicating: self)
    }

    package func librarySum(_ values: inout MutableSpan<Float>) throws(MPIError) {
        try unsafe values.withUnsafeMutableBufferPointer { elements throws(MPIError) in
            let capacity = limits.messageByteCount / MemoryLayout<Float>.stride
            for start in stride(from: 0, to: elements.count, by: capacity) {
                try check(
                    "MPI_Allreduce",
                    unsafe MPI_Allreduce(
                        CMPI_IN_PLACE(), elements.baseAddress! + start,
                        Int32(min(capacity, elements.count - start)), CMPI_FLOAT(), CMPI_SUM(), world))
            }
        }
    }

    package func broadcast<Element: MessageElement>(
        _ values: inout MutableSpan<Element>, from root: Int
    ) throws(MPIError) {
        precondition((0..<worldSize).contains(root), "broadcast from rank \(root) of \(worldSize)")
        try unsafe values.withUnsafeMutableBytes { bytes throws(MPIError) in
            try unsafe broadcast(bytes, from: root)
        }
    }

    private func broadcast(_ bytes: UnsafeMutableRawBufferPointer, from root: Int) throws(MPIError) {
        for start in stride(from: 0, to: bytes.count, by: limits.messageByteCount) {
            let count = min(limits.messageByteCount, bytes.count - start)
            try check(
                "MPI_Bcast",
                unsafe MPI_Bcast(
                    bytes.baseAddress! + start, Int32(count), CMPI_BYTE(), Int32(root), world))
        }
    }

    package func allGather<Element: MessageElement>(
        _ values: Span<Element>, counts: [Int]
    ) throws(MPIError) -> [Element] {
        precondition(counts.count == worldSize, "\(counts.count) counts for \(worldSize) ranks")
        precondition(
            counts[rank] == values.count, "\(values.count) values announced as \(counts[rank])")
        var all = [Element](repeating: .zero, count: counts.reduce(0, +))
        let first = counts[..<rank].reduce(0, +)
        for i in values.indices { all[first + i] = values[i] }
        let byteCounts = counts.map { $0 * MemoryLayout<Element>.stride }
        var span = all.mutableSpan
        try unsafe span.withUnsafeMutableBytes { bytes throws(MPIError) in
            try unsafe allGather(bytes, byteCounts: byteCounts)
        }
        return all
    }

    /// Fills in the other ranks' parts: in one call if MPI can count the bytes, otherwise by one
    /// broadcast per rank.
    private func allGather(
        _ bytes: UnsafeMutableRawBufferPointer, byteCounts: [Int]
    ) throws(MPIError) {
        var starts: [Int] = []
        var end = 0
        for count in byteCounts {
            starts.append(end)
            end += count
        }
        guard end > limits.messageByteCount else {
            let counts = byteCounts.map { Int32($0) }
            let displacements = starts.map { Int32($0) }
            return try check(
                "MPI_Allgatherv",
                unsafe MPI_Allgatherv(
                    CMPI_IN_PLACE(), 0, CMPI_BYTE(), bytes.baseAddress, counts, displacements,
                    CMPI_BYTE(), world))
        }
        for (root, count) in byteCounts.enumerated() {
            let part = unsafe UnsafeMutableRawBufferPointer(
                rebasing: bytes[starts[root]..<starts[root] + count])
            try unsafe broadcast(part, from: root)
        }
    }

    package func maximum(_ value: Int) throws(MPIError) -> Int {
        var own = Int64(value)
        var largest: Int64 = 0
        try check(
            "MPI_Allreduce",
            unsafe MPI_Allreduce(&own, &largest, 1, CMPI_INT64_T(), CMPI_MAX(), world))
        return Int(largest)
    }

    package func barrier() throws(MPIError) {
        try check("MPI_Barrier", unsafe MPI_Barrier(world))
    }

    package func finish() throws(MPIError) {
        var notices: MPI_Comm? = unsafe notices
        try check("MPI_Comm_free", unsafe MPI_Comm_free(&notices))
        try check("MPI_Finalize", MPI_Finalize())
    }
}

extension MPICommunicator {
    /// Throws MPI's error message for `code` unless it is `MPI_SUCCESS`.
    func check(_ function: String, _ code: Int32) throws(MPIError) {
        try Self.check(function, code, rank: rank)
    }

    private static func check(_ function: String, _ code: Int32, rank: Int? = nil) throws(MPIError) {
        guard code != MPI_SUCCESS else { return }
        var text = [CChar](repeating: 0, count: Int(MPI_MAX_ERROR_STRING) + 1)
        var length: Int32 = 0
        _ = unsafe MPI_Error_string(code, &text, &length)
        let message = String(
            decoding: text.prefix(Int(length)).map { UInt8(truncatingIfNeeded: $0) }, as: UTF8.self)
        throw MPIError(function: function, code: code, message: message, rank: rank)
    }

    /// This process's rank and the number of ranks in `communicator`.
    private static func place(in communicator: MPI_Comm) throws(MPIError) -> (rank: Int, size: Int) {
        var rank: Int32 = 0
        var size: Int32 = 0
        try check("MPI_Comm_rank", unsafe MPI_Comm_rank(communicator, &rank))
        try check("MPI_Comm_size", unsafe MPI_Comm_size(communicator, &size))
        return (Int(rank), Int(size))
    }
}
