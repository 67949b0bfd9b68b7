/// Reads the entropy-coded data of a JPEG file a second time, without decoding pixels.
///
/// Overwritten data mostly consists of valid Huffman codes, too, and the library reads it without a
/// warning; the codes then end early, and the file looks like an image followed by junk. This check
/// detects what no encoder writes: runs beyond the last coefficient, blocks with more contrast than
/// 8-bit pixels can have, a last byte whose remaining bits are not padding, and junk that repeats
/// the bytes at the end of the codes.
struct JPEGCodeCheck {
    private let file: [UInt8]
    private var position = 2
    private var frame: JPEGFrame?
    private var firstCodes = [JPEGHuffmanCode?](repeating: nil, count: 4)
    private var otherCodes = [JPEGHuffmanCode?](repeating: nil, count: 4)
    /// The quantisation steps of each table, in zigzag order.
    private var steps = [[Int]](repeating: Array(repeating: 1, count: 64), count: 4)
    private var restartInterval = 0

    /// Whether the codes of all scans can be those of an image; also `true` for coding modes that
    /// are not checked.
    ///
    /// - Parameter file: A file that the library has decoded.
    static func areCodesSound(in file: [UInt8]) -> Bool {
        var check = JPEGCodeCheck(file: file)
        return check.run()
    }

    private init(file: [UInt8]) { self.file = file }

    private mutating func run() -> Bool {
        while let marker = nextMarker() {
            switch marker {
            case 0xD9: return true
            case 0x01, 0xD0...0xD8: continue
            default: break
            }
            guard position + 2 <= file.count else { return true }
            let end = position + Int(file[position]) << 8 + Int(file[position + 1])
            guard end >= position + 2, end <= file.count else { return true }
            let segment = file[position + 2..<end]
            position = end
            switch marker {
            case 0xC0, 0xC1, 0xC2: frame = JPEGFrame(segment, isProgressive: marker == 0xC2)
            // Lossless, hierarchical and arithmetic coding are not checked.
            case 0xC3, 0xC5...0xC7, 0xC9...0xCB, 0xCD...0xCF: return true
            case 0xC4: defineCodes(segment)
            case 0xDB: defineSteps(segment)
            case 0xDD: restartInterval = number16(segment, 0)
            case 0xDA:
                guard let scan = makeScan(segment) else { return true }
                guard let end = scan.end(in: file, from: position, &frame!) else { return false }
                position = end
            default: break
            }
        }
        return true
    }

    /// Moves to the position after the next marker, skips all bytes before it and returns the
    /// marker.
    private mutating func nextMarker() -> UInt8? {
        while position + 1 < file.count {
            defer { position += 1 }
            if file[position] == 0xFF, file[position + 1] != 0xFF, file[position + 1] != 0 {
                position += 1
                return file[position]
            }
        }
        return nil
    }

    private mutating func defineCodes(_ segment: ArraySlice<UInt8>) {
        var rest = segment
        while rest.count > 17 {
            let (kind, counts) = (Int(rest.first!), rest.dropFirst().prefix(16))
            let symbols = rest.dropFirst(17).prefix(counts.reduce(0) { $0 + Int($1) })
            let code = JPEGHuffmanCode(counts: counts, symbols: symbols)
            if kind & 0xF < 4, symbols.count == counts.reduce(0, { $0 + Int($1) }) {
                if kind >> 4 == 0 { firstCodes[kind & 0xF] = code } else { otherCodes[kind & 0xF] = code }
            }
            rest = rest.dropFirst(17 + symbols.count)
        }
    }

    private mutating func defineSteps(_ segment: ArraySlice<UInt8>) {
        var rest = segment
        while let kind = rest.first {
            let size = kind >> 4 == 0 ? 1 : 2
            guard rest.count >= 1 + 64 * size, kind & 0xF < 4 else { return }
            let table = rest.dropFirst().prefix(64 * size)
            steps[Int(kind & 0xF)] = (0..<64).map {
                size == 1 ? Int(table[table.startIndex + $0]) : number16(table, 2 * $0)
            }
            rest = rest.dropFirst(1 + 64 * size)
        }
    }

    /// `nil` for a scan that is not checked, such as one that uses the standard's Huffman tables,
    /// which are not in the file.
    private func makeScan(_ segment: ArraySlice<UInt8>) -> JPEGScan? {
        guard let frame, let count = segment.first.map(Int.init), segment.count >= 4 + 2 * count else {
            return nil
        }
        let at = { (offset: Int) in Int(segment[segment.startIndex + offset]) }
        let tail = 1 + 2 * count
        let (high, low) = (at(tail + 2) >> 4, at(tail + 2) & 0xF)
        var scan = JPEGScan(
            band: frame.isProgressive ? at(tail)...max(at(tail), at(tail + 1)) : 0...63, isRefining: high > 0,
            shift: frame.isProgressive ? low : 0, restartInterval: restartInterval)
        guard scan.band.upperBound < 64, scan.shift < 14 else { return nil }
        for i in 0..<count {
            let tables = at(2 + 2 * i)
            guard let index = frame.components.firstIndex(where: { $0.identifier == at(1 + 2 * i) }),
                tables >> 4 < 4, tables & 0xF < 4
            else { return nil }
            let (first, other) = (firstCodes[tables >> 4], otherCodes[tables & 0xF])
            if first == nil, scan.band.lowerBound == 0, !scan.isRefining { return nil }
            if other == nil, scan.band.upperBound > 0 { return nil }
            scan.components.append((index, first, other, steps[frame.components[index].table]))
        }
        return scan
    }
}

/// The frame header of a JPEG file (B.2.2).
struct JPEGFrame {
    struct Component {
        var identifier: Int
        /// Blocks per MCU along x.
        var across: Int
        /// Blocks per MCU along y.
        var down: Int
        /// Index of the quantisation table.
        var table: Int
        /// Number of blocks along x that contain pixels of the image.
        var width = 0
        /// Likewise along y.
        var height = 0
        /// Number of blocks along x, padded to whole MCUs.
        var paddedWidth = 0
    }

    let isProgressive: Bool
    private(set) var components: [Component] = []
    /// For each component of a progressive image, one element per block: bit k is set if
    /// coefficient k is nonzero so far.
    var nonzero: [[UInt64]] = []
    /// Number of MCUs along x in a scan with all components.
    private(set) var unitsAcross = 0
    /// Likewise along y.
    private(set) var unitsDown = 0

    init?(_ segment: ArraySlice<UInt8>, isProgressive: Bool) {
        guard segment.count >= 6 else { return nil }
        let at = { (offset: Int) in Int(segment[segment.startIndex + offset]) }
        let (height, width, count) = (number16(segment, 1), number16(segment, 3), at(5))
        guard segment.count >= 6 + 3 * count, count > 0 else { return nil }
        self.isProgressive = isProgressive
        for i in 0..<count {
            let (across, down) = (at(7 + 3 * i) >> 4, at(7 + 3 * i) & 0xF)
            guard across > 0, down > 0 else { return nil }
            components.append(
                Component(identifier: at(6 + 3 * i), across: across, down: down, table: min(at(8 + 3 * i), 3))
            )
        }
        let across = components.map(\.across).max() ?? 1
        let down = components.map(\.down).max() ?? 1
        unitsAcross = (width + 8 * across - 1) / (8 * across)
        unitsDown = (height + 8 * down - 1) / (8 * down)
        for i in components.indices {
            let own = components[i]
            components[i].width = (width * own.across + 8 * across - 1) / (8 * across)
            components[i].height = (height * own.down + 8 * down - 1) / (8 * down)
            components[i].paddedWidth = unitsAcross * own.across
            let count = isProgressive ? components[i].paddedWidth * unitsDown * own.down : 0
            nonzero.append(Array(repeating: 0, count: count))
        }
    }
}

/// Reads a big-endian 16-bit number; 0 if it reaches beyond the end of `bytes`.
func number16(_ bytes: ArraySlice<UInt8>, _ offset: Int) -> Int {
    let start = bytes.startIndex + offset
    return start + 1 < bytes.endIndex ? Int(bytes[start]) << 8 + Int(bytes[start + 1]) : 0
}
