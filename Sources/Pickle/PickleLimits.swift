/// How much a pickle may ask for; tested while it is read.
///
/// Memory is bounded by the pickle's own length and by these: a reader makes at most one value for each byte it reads, of some 200 bytes.
public struct PickleLimits: Sendable {
    /// Of one pickle, in bytes.
    public var byteCount = 2 << 30
    /// Values, each counted once.
    public var valueCount = 1 << 20
    /// Places in the memo.
    public var memoCount = 1 << 20
    /// Containers in containers.
    public var depth = 64
    /// References to values: what is put on the stack, and, in any container, its values with theirs, each counted as often as it is
    /// referred to. Nested sharing would make a small pickle endless to walk.
    public var expandedCount = 1 << 22

    public init() {}
}
