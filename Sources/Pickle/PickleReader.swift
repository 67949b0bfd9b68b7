/// Reads pickles of protocols 0 to 5 into plain values.
///
/// The operations are a closed list, and so are the classes and functions a pickle may name: whatever is not in
/// `constructors` is refused by its name. Those that are stay data too (`PickleObject`); nothing is run. Format: Python's
/// `pickletools` (CPython, Lib/pickletools.py); PEP 3154 (protocol 4), PEP 574 (protocol 5, without buffers outside).
public struct PickleReader: Sendable {
    /// The classes and functions that may be named.
    public var constructors: Set<PickleGlobal>
    /// Whether names of what lies outside the pickle are allowed.
    public var allowsPersistent: Bool
    public var limits: PickleLimits

    public init(
        constructors: Set<PickleGlobal> = [], allowsPersistent: Bool = false,
        limits: PickleLimits = PickleLimits()
    ) {
        self.constructors = constructors
        self.allowsPersistent = allowsPersistent
        self.limits = limits
    }

    /// Reads one pickle.
    ///
    /// - Parameters:
    ///   - bytes: The pickle, and whatever follows it.
    /// - Returns: What it describes, and the number of bytes up to its end.
    /// - Throws: If it is damaged or cut off, refers to itself, goes past a limit, or uses what is not allowed.
    public func read(
        _ bytes: ArraySlice<UInt8>
    ) throws(PickleError) -> (value: PickleValue, byteCount: Int) {
        guard bytes.count <= limits.byteCount || limits.byteCount < 0 else {
            throw PickleError(
                offset: 0, reason: "there are \(bytes.count) bytes, expected at most \(limits.byteCount)")
        }
        var machine = PickleMachine(bytes, self)
        let root = try machine.run()
        var resolver = PickleResolver(machine)
        return (try resolver.value(of: root), machine.input.offset)
    }

    /// Reads a file that is one pickle and nothing else.
    public func read(whole bytes: [UInt8]) throws(PickleError) -> PickleValue {
        let (value, end) = try read(bytes[...])
        guard end == bytes.count else {
            throw PickleError(offset: end, reason: "\(bytes.count - end) bytes follow the pickle's end")
        }
        return value
    }
}
