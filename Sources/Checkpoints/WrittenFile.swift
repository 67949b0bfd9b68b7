/// Size and times of writing a checkpoint's file.
public struct WrittenFile: Sendable {
    public var byteCount: Int
    /// Building the file in memory.
    public var makingTime = Duration.zero
    /// Writing and syncing it.
    public var writingTime = Duration.zero
    /// Reading it back from the disk, and comparing its checksums.
    public var checkingTime = Duration.zero
}
