/// Thumbnails of some images of a dataset: one row per class, or rows of images in record order if
/// there are no classes.
package struct ContactSheet: Sendable {
    package let image: RGBImage
    /// The label of each row, from the top; empty if there are no classes.
    package let labels: [Int32]

    private static let gap = 4
    private static let background: UInt8 = 40

    /// - Parameters:
    ///   - rows: Maximum number of rows; if there are more classes, evenly spaced ones are chosen.
    ///   - columns: Images in a row, evenly spaced among those of the class.
    /// - Throws: If an image cannot be read.
    package init(
        of source: any ImageSource, rows: Int = 20, columns: Int = 12
    ) throws(DatasetError) {
        precondition(rows >= 1 && columns >= 1, "a sheet of \(rows) rows and \(columns) columns")
        var members: [Int32: [Int]] = [:]
        for record in 0..<source.count { members[source.label(of: record), default: []].append(record) }
        let found = members.keys.sorted()
        var chosen: [[Int]]
        if found.count > 1 {
            labels = evenly(found, rows)
            chosen = labels.map { evenly(members[$0] ?? [], columns) }
        } else {
            labels = []
            let records = evenly(Array(0..<source.count), min(rows, 10) * columns)
            chosen = stride(from: 0, to: records.count, by: columns).map {
                Array(records[$0..<min($0 + columns, records.count)])
            }
        }
        var pictures: [[RGBImage]] = []
        for row in chosen {
            var line: [RGBImage] = []
            for record in row { line.append(try source.image(of: record).tile()) }
            pictures.append(line)
        }
        image = Self.joined(pictures)
    }

    private static func joined(_ rows: [[RGBImage]]) -> RGBImage {
        let all = rows.flatMap { $0 }
        let tileWidth = (all.map(\.width).max() ?? 1) + gap
        let tileHeight = (all.map(\.height).max() ?? 1) + gap
        let width = (rows.map(\.count).max() ?? 1) * tileWidth + gap
        let height = rows.count * tileHeight + gap
        var bytes = [UInt8](repeating: background, count: 3 * width * height)
        for (row, pictures) in rows.enumerated() {
            for (column, picture) in pictures.enumerated() {
                let left = gap + column * tileWidth + (tileWidth - gap - picture.width) / 2
                let top = gap + row * tileHeight + (tileHeight - gap - picture.height) / 2
                for line in 0..<picture.height {
                    let from = 3 * line * picture.width
                    let to = 3 * ((top + line) * width + left)
                    bytes.replaceSubrange(
                        to..<to + 3 * picture.width, with: picture.bytes[from..<from + 3 * picture.width])
                }
            }
        }
        return RGBImage(width: width, height: height, bytes: bytes)
    }
}

extension RGBImage {
    /// The whole image at about 96 pixels on its longer side: shrunk, or enlarged by repeating each
    /// pixel as often as fits.
    fileprivate func tile() -> RGBImage {
        let side = 96
        let longer = max(width, height)
        guard longer <= side else {
            return resized(width: max(width * side / longer, 1), height: max(height * side / longer, 1))
        }
        let times = side / longer
        var enlarged: [UInt8] = []
        enlarged.reserveCapacity(bytes.count * times * times)
        for row in 0..<height {
            var line: [UInt8] = []
            for pixel in row * width..<(row + 1) * width {
                for _ in 0..<times { line += bytes[3 * pixel..<3 * pixel + 3] }
            }
            for _ in 0..<times { enlarged += line }
        }
        return RGBImage(width: width * times, height: height * times, bytes: enlarged)
    }
}

/// At most `count` elements, evenly spaced.
private func evenly<Element>(_ elements: [Element], _ count: Int) -> [Element] {
    guard elements.count > count else { return elements }
    return (0..<count).map { elements[$0 * elements.count / count] }
}
