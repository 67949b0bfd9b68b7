/// Reads pickles of protocols 0 to 5 into plain values.
///
/// The supported operations are a closed list. `constructors` lists the classes and functions that
/// a pickle may name; any other is refused, and the error names it. Without this list any may be
/// named. Either way they remain data (`PickleObject`): nothing is imported, called or built.
/// Format: Python's `pickletools` (CPython, Lib/pickletools.py); PEP 3154 (protocol 4), PEP 574
/// (protocol 5, without out-of-band buffers).
package struct PickleReader: Sendable {
    /// The classes and functions that may be named; `nil` for any.
    ///
    /// With `nil`, a part of the value that is nested too deeply, shared too often or contains
    /// itself becomes `PickleValue.opaque`, so that the rest can still be read. With a list such a
    /// pickle is refused.
    package var constructors: Set<PickleGlobal>?
    /// Whether persistent IDs, which name data outside the pickle, are allowed.
    package var allowsPersistent: Bool
    package var limits: PickleLimits

    package init(
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
    /// - Throws: If it is damaged or cut off, exceeds a limit, or uses something that is not
    ///   allowed.
    package func read(_ bytes: ArraySlice<UInt8>) throws(PickleError) -> PickleContent {
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
    package func read(whole bytes: [UInt8]) throws(PickleError) -> PickleValue {
        let content = try read(bytes[...])
        guard content.byteCount == bytes.count else {
            throw PickleError(
                offset: content.byteCount,
                reason: "\(bytes.count - content.byteCount) bytes follow the pickle's end")
        }
        return content.value
    }
}
