extension WinogradWeightGradient {
    /// Layout of a worker's scratch memory: transformed inputs, transformed gradients, products, and
    /// for integers scales and the values of sixteen channels before they are packed.
    struct Layout: Sendable {
        let chunk: Int
        /// Elements of a panel of sixteen channels.
        let panel: Int
        let inputs: Side
        let gradients: Side
        /// Shape `[36, chunk, 16]`.
        let values: Range<Int>
        let valueStride: Int
        let products: Range<Int>
        /// Channels and outputs of a block of products.
        let block: (channels: Int, outputs: Int)
        var count: Int { products.upperBound }

        /// The transformed inputs or gradients of a chunk.
        struct Side: Sendable {
            /// Channels per item.
            let width: Int
            /// Floats from one product's values to the next one's: one cache line more than they
            /// need, since 36 stores would otherwise fall into one set of the cache.
            let stride: Int
            /// Shape `[36, width / 16, panel]`.
            let values: Range<Int>
            /// Shape `[36, width]`.
            let scales: Range<Int>

            init(from start: Int, width: Int, panel: Int, usesIntegers: Bool) {
                self.width = width
                stride = panel * width / vectorWidth + vectorWidth
                values = start..<start + winogradProducts * stride
                scales = values.upperBound..<values.upperBound + (usesIntegers ? winogradProducts * width : 0)
            }
        }

        init(width: Int, outputs: Int, tiles: Int, usesIntegers: Bool) {
            chunk = min(WinogradWeightGradient.chunk, tiles)
            panel = (usesIntegers ? pairCount(chunk) : chunk) * vectorWidth
            inputs = Side(from: 0, width: width, panel: panel, usesIntegers: usesIntegers)
            gradients = Side(
                from: inputs.scales.upperBound, width: outputs, panel: panel, usesIntegers: usesIntegers)
            valueStride = (chunk + 1) * vectorWidth
            let end = gradients.scales.upperBound
            values = end..<end + (usesIntegers ? winogradProducts * valueStride : 0)
            if tiles <= WinogradWeightGradient.chunk {
                let columns = min(outputs, 128)
                let rows = WinogradWeightGradient.blockCount / columns / vectorWidth * vectorWidth
                block = (min(width, rows), columns)
            } else {
                block = (width, outputs)
            }
            products =
                values.upperBound..<values.upperBound + winogradProducts * block.channels * block.outputs
        }

        func channelRange(_ split: Int, of channels: Int) -> Range<Int> {
            min(split * inputs.width, channels)..<min((split + 1) * inputs.width, channels)
        }

        func outputRange(_ split: Int, of channels: Int) -> Range<Int> {
            min(split * gradients.width, channels)..<min((split + 1) * gradients.width, channels)
        }
    }
}
