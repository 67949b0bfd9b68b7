/// What writing a checkpoint's file took.
public struct WrittenFile: Sendable {
    public var byteCount: Int
    /// Making the file in memory.
    public var makingTime = Duration.zero
    /// Writing and syncing it.
    public var writingTime = Duration.zero
    /// Reading it again from the disk, and comparing its checksums.
    public var checkingTime = Duration.zero
}
