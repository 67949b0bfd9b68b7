internal import Workers

/// Sizes, means and standard deviations of a dataset's images, or of an evenly spaced sample of
/// them.
package struct DatasetStatistics: Equatable, Sendable {
    /// Number of images that were read.
    package let imageCount: Int
    package let widths: ClosedRange<Int>
    package let heights: ClosedRange<Int>
    /// The most common size and its number of images; the smallest size in a tie.
    package let commonest: (width: Int, height: Int, count: Int)
    /// Means of red, green and blue over all pixels, 0 to 1.
    package let means: [Double]
    /// Standard deviations of red, green and blue over all pixels, in the units of `means`.
    package let standardDeviations: [Double]

    /// Exact integer sums over one image.
    private struct Sums: Sendable {
        var width = 0
        var height = 0
        var values: [UInt64] = [0, 0, 0]
        var squares: [UInt64] = [0, 0, 0]

        init(_ image: RGBImage) {
            (width, height) = (image.width, image.height)
            let bytes = image.bytes.span
            for channel in 0..<3 {
                var (sum, square) = (UInt64(0), UInt64(0))
                for index in stride(from: channel, to: bytes.count, by: 3) {
                    let value = UInt64(bytes[index])
                    sum &+= value
                    square &+= value &* value
                }
                values[channel] = sum
                squares[channel] = square
            }
        }
    }

    private struct Size: Hashable {
        var width: Int
        var height: Int
    }

    /// Reads and decodes images; the result does not depend on the number of threads.
    ///
    /// - Parameters:
    ///   - limit: Maximum number of images to read.
    ///   - progress: Receives the images read so far and the total.
    /// - Throws: If an image cannot be read.
    package init(
        of source: any ImageSource, limit: Int = .max, threads: Int = 1,
        progress: (_ done: Int, _ total: Int) -> Void = { _, _ in }
    ) throws(DatasetError) {
        precondition(source.count >= 1 && limit >= 1, "statistics of no images")
        let total = min(source.count, limit)
        let pool = WorkerPool(threads: threads)
        var sizes: [Size: Int] = [:]
        var values = [UInt64](repeating: 0, count: 3)
        var squares = values
        for start in stride(from: 0, to: total, by: 256) {
            var results = [Result<Sums, DatasetError>?](repeating: nil, count: min(256, total - start))
            var span = results.mutableSpan
            pool.split(&span, every: 1) { index, result in
                do throws(DatasetError) {
                    // Without the first branch, a count whose square exceeds `Int` would overflow.
                    let record =
                        total == source.count ? start + index : (start + index) * source.count / total
                    result[0] = .success(Sums(try source.image(of: record)))
                } catch {
                    result[0] = .failure(error)
                }
            }
            for case let result? in results {
                let sums = try result.get()
                sizes[Size(width: sums.width, height: sums.height), default: 0] += 1
                for channel in 0..<3 {
                    values[channel] += sums.values[channel]
                    squares[channel] += sums.squares[channel]
                }
            }
            progress(start + results.count, total)
        }
        let pixelCount = Double(sizes.reduce(0) { $0 + $1.key.width * $1.key.height * $1.value })
        let means = values.map { Double($0) / pixelCount / 255 }
        imageCount = total
        self.means = means
        standardDeviations = (0..<3).map { channel in
            max(Double(squares[channel]) / pixelCount / (255 * 255) - means[channel] * means[channel], 0)
                .squareRoot()
        }
        let (allWidths, allHeights) = (sizes.keys.map(\.width), sizes.keys.map(\.height))
        widths = (allWidths.min() ?? 0)...(allWidths.max() ?? 0)
        heights = (allHeights.min() ?? 0)...(allHeights.max() ?? 0)
        let first = sizes.max {
            ($0.value, $1.key.width, $1.key.height) < ($1.value, $0.key.width, $0.key.height)
        }
        commonest = (first?.key.width ?? 0, first?.key.height ?? 0, first?.value ?? 0)
    }

    package static func == (one: DatasetStatistics, other: DatasetStatistics) -> Bool {
        one.imageCount == other.imageCount && one.widths == other.widths && one.heights == other.heights
            && one.commonest == other.commonest && one.means == other.means
            && one.standardDeviations == other.standardDeviations
    }
}
