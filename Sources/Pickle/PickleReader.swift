/// Reads pickles of protocols 0 to 5 into plain values.
///
/// The operations are a closed list. The classes and functions a pickle may name are another one, `constructors`, and whatever is not in it
/// is refused by its name; without a list any may be named. Either way they stay data (`PickleObject`); nothing is imported, called or
/// built. Format: Python's `pickletools` (CPython, Lib/pickletools.py); PEP 3154 (protocol 4), PEP 574 (protocol 5, without buffers
/// outside).
public struct PickleReader: Sendable {
    /// The classes and functions that may be named; `nil` for any.
    ///
    /// With `nil`, a part of the value that is too deep, too often shared or holds itself becomes `PickleValue.opaque`, so that it does not
    /// decide whether the rest can be read. With a list such a pickle is refused.
    public var constructors: Set<PickleGlobal>?
    /// Whether names of what lies outside the pickle are allowed.
    public var allowsPersistent: Bool
    public var limits: PickleLimits

    public init(
        constructors: Set<PickleGlobal>? = [], allowsPersistent: Bool = false,
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
    /// - Throws: If it is damaged or cut off, goes past a limit, or uses what is not allowed.
    public func read(_ bytes: ArraySlice<UInt8>) throws(PickleError) -> PickleContent {
        guard bytes.count <= limits.byteCount || limits.byteCount < 0 else {
            throw PickleError(
                offset: 0, reason: "there are \(bytes.count) bytes, expected at most \(limits.byteCount)")
        }
        var machine = PickleMachine(bytes, self)
        let root = try machine.run()
        var resolver = PickleResolver(machine)
        let value = try resolver.value(of: root)
        if case .opaque(let reason) = value { throw machine.failure(reason) }
        return PickleContent(
            value: value, byteCount: machine.input.offset, persistent: try resolver.persistentNames())
    }

    /// Reads a file that is one pickle and nothing else.
    public func read(whole bytes: [UInt8]) throws(PickleError) -> PickleValue {
        let content = try read(bytes[...])
        guard content.byteCount == bytes.count else {
            throw PickleError(
                offset: content.byteCount,
                reason: "\(bytes.count - content.byteCount) bytes follow the pickle's end")
        }
        return content.value
    }
}
