/// How much a pickle may ask for.
///
/// Memory is bounded by the pickle's own length: a reader makes at most one value for each byte it reads.
public struct PickleLimits: Sendable {
    /// Of one pickle, in bytes.
    public var byteCount = 2 << 30
    /// Values, each counted once.
    public var valueCount = 1 << 24
    /// Places in the memo.
    public var memoCount = 1 << 23
    /// Containers in containers.
    public var depth = 64
    /// Values, each counted as often as it is referred to: nested sharing would make a small pickle endless to walk.
    public var expandedCount = 1 << 26

    public init() {}
}
