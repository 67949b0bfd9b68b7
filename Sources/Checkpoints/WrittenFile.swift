/// Size and times of writing a checkpoint's file.
package struct WrittenFile: Sendable {
    package var byteCount: Int
    /// Building the file in memory.
    package var makingTime = Duration.zero
    /// Writing and syncing it.
    package var writingTime = Duration.zero
    /// Reading it back from the disk, and comparing its checksums.
    package var checkingTime = Duration.zero
}
