internal import Memory
internal import Workers

// Where one strip holds all tiles of a batch, each transformed weight is used once by one worker. Then a
// worker transforms the weights of a few outputs, which stay in its second cache, right before they
// are multiplied, and no thread writes or reads the transformed weights of all of them.

extension WinogradConvolution {
    /// Whether each worker transforms the weights of its outputs itself.
    func transformsWeightsByItem(_ items: ImageItems) -> Bool {
        let tiles = items.imagesOfGroup * tilesPerImage
        // Panels of sixteen outputs alone are multiplied at half the speed, if there are many tiles.
        return items.imageGroups == 1
            && tiles <= (cachedOutputs >= 2 * vectorWidth ? strip : 2 * tileRows)
    }

    /// Outputs whose transformed weights stay in a second cache of a megabyte or two.
    private var cachedOutputs: Int {
        let cachedFloats = 327_680
        let fitting = cachedFloats / (winogradProducts * panelSize) * vectorWidth
        return min(max(fitting, vectorWidth), block)
    }

    /// Floats of scratch memory per worker that `convolveFewImages` needs: those of `convolve`, the
    /// transformed weights with their scales, and for integers the weights before they are packed.
    var fewImagesScratchCount: Int { packedPlace + (usesIntegers ? integerScratchCount : 0) }
    private var weightPlace: Int { scratchCount }
    private var packedPlace: Int {
        weightPlace + panelCount(outputs: cachedOutputs)
            + (usesIntegers ? winogradProducts * cachedOutputs : 0)
    }

    /// The same as `convolve`, with the same bits.
    func convolveFewImages(
        _ prologue: borrowing Prologue, weights: Span<Float>, isTurned: Bool, _ items: ImageItems,
        epilogue: borrowing Epilogue, into output: inout MutableSpan<Float>,
        sums: inout MutableSpan<Double>, on pool: WorkerPool
    ) {
        let blocks = blocks
        let prologue = copy prologue
        let epilogue = copy epilogue
        unsafe pool.share(&output, &sums, items: items.count, scratch: fewImagesScratchCount) {
            item, output, sums, scratch in
            let (samples, own) = items.item(item, ofBlocks: blocks)
            let range = own.lowerBound * block..<min(own.upperBound * block, outputs)
            let tiles = samples.lowerBound * tilesPerImage..<samples.upperBound * tilesPerImage
            epilogue.clear(&sums, samples: samples, range: range, channels: outputs)
            transform(prologue, tiles: tiles, into: &scratch)
            for column in stride(from: range.lowerBound, to: range.upperBound, by: cachedOutputs) {
                let columns = column..<min(column + cachedOutputs, range.upperBound)
                transformWeights(weights, isTurned: isTurned, of: columns, &scratch)
                unsafe scratch.withUnsafeMutableBufferPointer {
                    let panels = unsafe Span(
                        _unsafeElements: UnsafeBufferPointer(rebasing: $0[weightPlace..<packedPlace]))
                    unsafe multiply(panels, of: columns, tiles: tiles, columns: columns, scratch: $0)
                }
                finish(
                    scratch.span.extracting(products), items: tiles, columns: columns, epilogue,
                    into: &output, sums: &sums)
            }
        }
    }

    /// Overwrites the transformed weights of the outputs `columns`.
    private func transformWeights(
        _ weights: Span<Float>, isTurned: Bool, of columns: Range<Int>, _ scratch: inout MutableSpan<Float>
    ) {
        let blocks = columns.lowerBound / vectorWidth..<columns.upperBound / vectorWidth
        guard usesIntegers else {
            let transform = isTurned ? DenseKernel.transformTurnedBlock : DenseKernel.transformBlock
            for block in blocks {
                transform(
                    weights, block, channels, outputs, &scratch,
                    weightPlace + (block - blocks.lowerBound) * panelSize, channels * columns.count, false)
            }
            return
        }
        scratch.withParts(weightPlace..<packedPlace, packedPlace..<fewImagesScratchCount) { panels, own in
            for block in blocks {
                packBlock(
                    block, weights, isTurned: isTurned, of: columns, into: &panels, scratch: &own)
            }
        }
    }
}
