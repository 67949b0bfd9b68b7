internal import Memory

// Products of integers: the output gradients are packed by rows for the input's gradient and by columns
// for that of the weights, the inputs by columns.

extension PointwiseGradients {
    /// Floats of a panel of sixteen columns of a strip.
    private var panel: Int { pairCount(RowStrips.rows) * vectorWidth }

    /// Floats of a strip's columns, and of their scales.
    func columnCount(_ columns: Int) -> Int { columns / vectorWidth * panel + columns }

    /// Overwrites the output gradients of a strip, as rows and as columns.
    func packGradients(
        _ prologue: borrowing Prologue, rows: Range<Int>, _ scratch: inout MutableSpan<Float>
    ) {
        for first in stride(from: 0, to: outputs, by: ImplicitGEMMConvolution.innerBlock) {
            let block = first..<min(first + ImplicitGEMMConvolution.innerBlock, outputs)
            var gathered = scratch.part(values)
            backward.gatherPanels(prologue, rows: rows, block, panelRows: RowStrips.rows, into: &gathered)
            let start = gradients.lowerBound + backward.tileCount(rows: rows.count, inner: first)
            let scales = start + rowTileCount(rows: rows.count, inner: block.count)
            for row in 0..<rows.count {
                packIntegerRow(
                    &scratch, from: values.lowerBound + row * vectorWidth, step: RowStrips.rows * vectorWidth,
                    chunks: block.count / vectorWidth, to: start + rowTilePlace(row: row, inner: block.count),
                    step: tileRows * vectorWidth, scaleAt: scales + row)
            }
            packColumns(rows: rows.count, block, of: outputs, into: gradientColumns, &scratch)
        }
    }

    /// Overwrites the inputs of a strip: the channels `block` as columns.
    func packInputs(
        _ prologue: borrowing Prologue, rows: Range<Int>, _ block: Range<Int>,
        _ scratch: inout MutableSpan<Float>
    ) {
        var gathered = scratch.part(values)
        forward.gatherPanels(prologue, rows: rows, block, panelRows: RowStrips.rows, into: &gathered)
        packColumns(rows: rows.count, 0..<block.count, of: block.count, into: inputs, &scratch)
    }

    /// Packs gathered panels as the columns `block` of `count`.
    private func packColumns(
        rows: Int, _ block: Range<Int>, of count: Int, into columns: Range<Int>,
        _ scratch: inout MutableSpan<Float>
    ) {
        for channel in stride(from: block.lowerBound, to: block.upperBound, by: vectorWidth) {
            packIntegerColumns(
                &scratch, at: values.lowerBound + (channel - block.lowerBound) * RowStrips.rows,
                to: columns.lowerBound + channel / vectorWidth * panel, inner: rows,
                bits: IntegerBits.outerProduct,
                scalesAt: columns.lowerBound + count / vectorWidth * panel + channel)
        }
    }

    /// Adds a strip's products to the rows `block` of a part's weight gradient.
    func multiplyIntegerWeights(
        rows: Int, _ block: Range<Int>, accumulates: Bool, _ scratch: Span<Float>,
        into weightGradient: inout MutableSpan<Float>
    ) {
        var own = weightGradient.part(block.lowerBound * outputs..<weightGradient.count)
        multiplyOuterIntegers(
            packed(scratch.extracting(inputs), columns: block.count),
            packed(scratch.extracting(gradientColumns), columns: outputs), rows: rows, panelStride: panel,
            into: &own,
            ProductBlock(rows: block.count, columns: outputs, stride: outputs, accumulates: accumulates))
    }

    @_lifetime(copy columns)
    private func packed(_ columns: Span<Float>, columns count: Int) -> PackedIntegers {
        let scales = count / vectorWidth * panel
        return PackedIntegers(
            columns.extracting(0..<scales), scales: columns.extracting(scales..<scales + count))
    }
}
