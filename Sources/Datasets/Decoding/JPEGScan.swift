/// One scan of a JPEG file, sequential (ITU-T T.81, F.2) or progressive (G.2), whose codes are read
/// but not decoded to pixels.
struct JPEGScan {
    typealias Component = (
        index: Int, first: JPEGHuffmanCode?, other: JPEGHuffmanCode?, steps: [Int]
    )

    /// The coefficients of the scan, as positions in zigzag order.
    let band: ClosedRange<Int>
    /// Whether the scan adds one bit of precision to known coefficients (successive approximation).
    let isRefining: Bool
    /// Number of low bits that later scans add.
    let shift: Int
    let restartInterval: Int
    var components: [Component] = []
    private var predictions = [0, 0, 0, 0]
    /// Blocks left in an end-of-band run, which have no codes of their own.
    private var blocksToPass = 0

    init(band: ClosedRange<Int>, isRefining: Bool, shift: Int, restartInterval: Int) {
        self.band = band
        self.isRefining = isRefining
        self.shift = shift
        self.restartInterval = restartInterval
    }

    /// The position at which the scan ends; `nil` if its codes cannot be those of an image.
    func end(in file: [UInt8], from start: Int, _ frame: inout JPEGFrame) -> Int? {
        var scan = self
        var bits = JPEGBits(file, from: start)
        let isAlone = components.count == 1
        let own = frame.components[components[0].index]
        let width = isAlone ? own.width : frame.unitsAcross
        let count = width * (isAlone ? own.height : frame.unitsDown)
        for unit in 0..<count {
            if restartInterval > 0, unit > 0, unit.isMultiple(of: restartInterval) {
                guard scan.blocksToPass == 0, bits.isPadded(), bits.restart() else { return nil }
                scan.predictions = [0, 0, 0, 0]
            }
            for part in components.indices.prefix(4) {
                let index = components[part].index
                let component = frame.components[index]
                let (x, y) = (unit % width, unit / width)
                for block in 0..<(isAlone ? 1 : component.across * component.down) {
                    guard frame.isProgressive else {
                        guard scan.readSequential(part, &bits) else { return nil }
                        continue
                    }
                    let column = isAlone ? x : x * component.across + block % component.across
                    let row = isAlone ? y : y * component.down + block / component.across
                    let place = row * component.paddedWidth + column
                    guard scan.readProgressive(part, &frame.nonzero[index][place], &bits) else { return nil }
                }
            }
        }
        return scan.blocksToPass == 0 && bits.isPadded() ? bits.position : nil
    }

    /// Whether the sum of squares of a block's dequantised coefficients exceeds what 8-bit pixels
    /// can have: 64 · 128² by Parseval's theorem, that is, a norm of 1,024, plus a quarter for
    /// rounding.
    private func isTooLarge(_ energy: Int) -> Bool { energy > 1280 * 1280 }

    private func square(_ value: Int, _ part: Int, _ k: Int) -> Int {
        // Rounding adds at most half a step.
        let length = max(abs(value) * components[part].steps[k] - components[part].steps[k] / 2, 0)
        return length * length
    }

    /// - Returns: The square of the first coefficient; `nil` if it is impossible.
    private mutating func readFirst(_ part: Int, _ bits: inout JPEGBits) -> Int? {
        guard let size = components[part].first?.symbol(from: &bits), size <= 11,
            let difference = bits.signed(size)
        else { return nil }
        predictions[part] += difference
        guard abs(predictions[part]) < 1 << 16 else { return nil }
        let energy = square(predictions[part] << shift, part, 0)
        return isTooLarge(energy) ? nil : energy
    }

    private mutating func readSequential(_ part: Int, _ bits: inout JPEGBits) -> Bool {
        guard var energy = readFirst(part, &bits) else { return false }
        var k = 1
        while k < 64 {
            guard let symbol = components[part].other?.symbol(from: &bits) else { return false }
            let (run, size) = (symbol >> 4, symbol & 0xF)
            if size == 0 {
                if run < 15 { return true }
                k += 16
                // A coefficient must follow a run of sixteen zeros.
                if k > 63 { return false }
                continue
            }
            k += run
            guard k < 64, let value = bits.signed(size) else { return false }
            energy += square(value, part, k)
            if isTooLarge(energy) { return false }
            k += 1
        }
        return true
    }

    private mutating func readProgressive(_ part: Int, _ nonzero: inout UInt64, _ bits: inout JPEGBits)
        -> Bool
    {
        if band.lowerBound == 0 {
            return isRefining ? bits.next() != nil : readFirst(part, &bits) != nil
        }
        return isRefining ? refine(part, &nonzero, &bits) : readBand(part, &nonzero, &bits)
    }

    /// Reads the length of an end-of-band run (G.1.2.2), which includes this block.
    private mutating func startRun(_ size: Int, _ bits: inout JPEGBits) -> Bool {
        guard let rest = bits.number(size) else { return false }
        blocksToPass = 1 << size + rest
        return true
    }

    private mutating func readBand(_ part: Int, _ nonzero: inout UInt64, _ bits: inout JPEGBits) -> Bool {
        var k = band.lowerBound
        while blocksToPass == 0, k <= band.upperBound {
            guard let symbol = components[part].other?.symbol(from: &bits) else { return false }
            let (run, size) = (symbol >> 4, symbol & 0xF)
            if size == 0, run < 15 {
                guard startRun(run, &bits) else { return false }
                break
            }
            k += run
            guard k <= band.upperBound else { return false }
            if size > 0 {
                guard let value = bits.signed(size), !isTooLarge(square(value << shift, part, k)) else {
                    return false
                }
                nonzero |= 1 << UInt64(k)
            }
            k += 1
        }
        if blocksToPass > 0 { blocksToPass -= 1 }
        return true
    }

    /// Reads a refinement of a block (G.1.2.3): each known coefficient that a run passes has one
    /// correction bit.
    private mutating func refine(_ part: Int, _ nonzero: inout UInt64, _ bits: inout JPEGBits) -> Bool {
        var k = band.lowerBound
        while blocksToPass == 0, k <= band.upperBound {
            guard let symbol = components[part].other?.symbol(from: &bits) else { return false }
            var run = symbol >> 4
            if symbol & 0xF == 0, run < 15 {
                guard startRun(run, &bits) else { return false }
                break
            }
            let isNew = symbol & 0xF == 1
            guard isNew || symbol & 0xF == 0, !isNew || bits.next() != nil else { return false }
            while k <= band.upperBound {
                if nonzero >> UInt64(k) & 1 == 1 {
                    guard bits.next() != nil else { return false }
                } else {
                    if run == 0 { break }
                    run -= 1
                }
                k += 1
            }
            guard k <= band.upperBound else { return false }
            if isNew { nonzero |= 1 << UInt64(k) }
            k += 1
        }
        if blocksToPass > 0 {
            while k <= band.upperBound {
                if nonzero >> UInt64(k) & 1 == 1 { guard bits.next() != nil else { return false } }
                k += 1
            }
            blocksToPass -= 1
        }
        return true
    }
}
