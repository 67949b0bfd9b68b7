/// One scan of a JPEG file, sequential (ITU-T T.81, F.2) or progressive (G.2), whose codes are read and not used.
struct JPEGScan {
    typealias Component = (
        index: Int, first: JPEGHuffmanCode?, other: JPEGHuffmanCode?, steps: [Int]
    )

    /// The coefficients, in zigzag order.
    let band: ClosedRange<Int>
    /// Whether it brings one more bit of coefficients that are known.
    let isRefining: Bool
    /// Bits that later scans bring.
    let shift: Int
    let restartInterval: Int
    var components: [Component] = []
    private var predictions = [0, 0, 0, 0]
    /// Blocks without a code, from a run of ends of blocks.
    private var blocksToPass = 0

    init(band: ClosedRange<Int>, isRefining: Bool, shift: Int, restartInterval: Int) {
        self.band = band
        self.isRefining = isRefining
        self.shift = shift
        self.restartInterval = restartInterval
    }

    /// Where the scan ends; `nil` if its codes cannot be those of a picture.
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

    /// Whether squares of a block's coefficients, times their steps, sum up to more than 8-bit pixels can have: 64 · 128² by Parseval's theorem,
    /// and a quarter more in length for rounding.
    private func isTooLarge(_ energy: Int) -> Bool { energy > 1280 * 1280 }

    private func square(_ value: Int, _ part: Int, _ k: Int) -> Int {
        // Rounding adds at most half a step.
        let length = max(abs(value) * components[part].steps[k] - components[part].steps[k] / 2, 0)
        return length * length
    }

    /// - Returns: The square of the first coefficient; `nil` for what cannot be.
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
                // A run of sixteen has a coefficient behind it.
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

    /// Takes the length of a run of blocks that end here (G.1.2.2), this one counted.
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

    /// G.1.2.3: known coefficients have a bit each, wherever a run passes them.
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
