internal import Synchronization

/// A source that tolerates unreadable images: it records their errors and returns a black image
/// instead.
package final class LenientSource: ImageSource {
    private let source: any ImageSource
    private let noted = Mutex<[Int: DatasetError]>([:])

    package init(_ source: any ImageSource) { self.source = source }

    /// The errors of the requested images that could not be read, by record number.
    package var failures: [Int: DatasetError] { noted.withLock { $0 } }

    package var count: Int { source.count }
    package var keepsSize: Bool { source.keepsSize }

    package func label(of record: Int) -> Int32 { source.label(of: record) }

    package func image(of record: Int) throws(DatasetError) -> RGBImage {
        do throws(DatasetError) {
            return try source.image(of: record)
        } catch {
            guard !error.isSystemFault else { throw error }
            noted.withLock { $0[record] = error }
            return RGBImage(width: 1, height: 1, bytes: [0, 0, 0])
        }
    }
}
