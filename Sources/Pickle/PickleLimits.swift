/// The limits of a pickle, checked while it is read.
///
/// Memory is bounded by the pickle's own length and by these limits: a reader creates at most one
/// value, of about 200 bytes, for each byte it reads.
package struct PickleLimits: Sendable {
    /// The size of one pickle, in bytes.
    package var byteCount = 2 << 30
    /// The number of values, each counted once.
    package var valueCount = 1 << 20
    /// The number of memo entries.
    package var memoCount = 1 << 20
    /// The nesting depth of containers.
    package var depth = 64
    /// The number of references to values: all that are pushed on the stack and, in any container,
    /// its values and theirs at all depths, each counted as often as it is referenced. With nested
    /// sharing even a small pickle could take practically for ever to traverse.
    package var expandedCount = 1 << 22

    package init() {}
}
