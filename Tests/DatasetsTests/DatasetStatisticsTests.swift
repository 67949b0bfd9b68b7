import DatasetPacking
import DatasetSamples
import Datasets
import Foundation
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(30))) struct DatasetStatisticsTests {
    /// Images of two sizes whose sums are known.
    private struct Images: ImageSource {
        let count = 300

        func label(of record: Int) -> Int32 { Int32(record % 3) }

        func image(of record: Int) -> RGBImage {
            let size = record % 4 == 0 ? (3, 5) : (4, 2)
            let pixel = [UInt8(record % 256), 255, UInt8(record % 2 == 0 ? 10 : 20)]
            let bytes = (0..<size.0 * size.1).flatMap { _ in pixel }
            return RGBImage(width: size.0, height: size.1, bytes: bytes)
        }
    }

    @Test(arguments: [300, 77])
    func meansAndDeviationsAreThoseOfAllPixels(limit: Int) throws {
        let images = Images()
        let chosen = (0..<limit).map { $0 * 300 / limit }
        var pixels: [[Double]] = [[], [], []]
        for record in chosen {
            let bytes = images.image(of: record).bytes
            for (index, byte) in bytes.enumerated() { pixels[index % 3].append(Double(byte) / 255) }
        }
        let found = try DatasetStatistics(of: images, limit: limit, threads: 3)
        #expect(try found == DatasetStatistics(of: images, limit: limit))
        #expect(found.imageCount == limit && found.widths == 3...4 && found.heights == 2...5)
        #expect(found.commonest == (4, 2, chosen.count { $0 % 4 != 0 }))
        for channel in 0..<3 {
            let values = pixels[channel]
            let mean = values.reduce(0, +) / Double(values.count)
            let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count)
            // Sums are exact; rounding errors come from the divisions and from the difference under
            // the square root.
            #expect(abs(found.means[channel] - mean) < 1e-12)
            #expect(abs(found.standardDeviations[channel] - variance.squareRoot()) < 1e-7)
        }
    }

    @Test func aSheetHasARowAClassAndReadsBackAsAPNG() throws {
        let sheet = try ContactSheet(of: Images(), rows: 20, columns: 5)
        #expect(sheet.labels == [0, 1, 2])
        // Tiles of 3×5 pixels are enlarged 19 times, those of 4×2 24 times.
        #expect(sheet.image.width == 5 * (96 + 4) + 4 && sheet.image.height == 3 * (95 + 4) + 4)
        let again = try RGBImage(decoding: sheet.image.png(), place: "sheet")
        #expect(again == sheet.image)
        // The first tile of the first row is record 0: 57 pixels wide in the middle of 96.
        let pixel = { (x: Int, y: Int) -> [UInt8] in
            let start = 3 * (y * sheet.image.width + x)
            return Array(sheet.image.bytes[start..<start + 3])
        }
        #expect(pixel(4 + 18, 4) == [40, 40, 40] && pixel(4 + 19, 4) == [0, 255, 10])
        #expect(try ContactSheet(of: Images(), rows: 2, columns: 5).labels == [0, 1])
    }

    @Test func withoutClassesASheetFollowsTheOrder() throws {
        try withTemporaryFolder { folder in
            var options = PackingOptions()
            options.outOfDistribution = true
            options.layout = .pixels
            let set = try pack(drawnRecords(count: 17, width: 96, height: 96), folder, options: options)
            let sheet = try ContactSheet(of: set, columns: 4)
            #expect(sheet.labels.isEmpty && sheet.image.height == 5 * 100 + 4)
            var first: [UInt8] = []
            for row in 4..<100 {
                let start = 3 * (row * sheet.image.width + 4)
                first += sheet.image.bytes[start..<start + 3 * 96]
            }
            #expect(first == drawnImage(0, width: 96, height: 96).bytes)
        }
    }
}
