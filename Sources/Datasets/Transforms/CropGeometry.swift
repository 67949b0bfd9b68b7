/// The source of the pixels of a transformed image: a box is resized, a square is cut out of it,
/// optionally flipped horizontally, and shifted.
package struct CropGeometry: Equatable, Sendable {
    /// The part of the stored image that is read.
    package var box: PixelBox
    /// Width of the box after the resize.
    package var width: Int
    /// Height of the box after the resize.
    package var height: Int
    /// First column of the square in the resized box.
    package var left: Int
    /// First row of the square in the resized box.
    package var top: Int
    /// Whether the square is flipped horizontally.
    package var isFlipped: Bool
    /// Columns by which the square is shifted to the left after the flip; pixels from outside the
    /// square are black.
    package var shiftX: Int
    /// Rows by which the square is shifted up.
    package var shiftY: Int

    package init(
        box: PixelBox, width: Int, height: Int, left: Int = 0, top: Int = 0, isFlipped: Bool = false,
        shiftX: Int = 0, shiftY: Int = 0
    ) {
        self.box = box
        self.width = width
        self.height = height
        self.left = left
        self.top = top
        self.isFlipped = isFlipped
        self.shiftX = shiftX
        self.shiftY = shiftY
    }

    /// The middle square of the image after its shorter side is resized to `shorterSide`.
    ///
    /// The longer side is rounded down, and an offset of half a pixel is rounded to even, as in
    /// torchvision.
    init(imageWidth: Int, imageHeight: Int, shorterSide: Int, square size: Int) {
        let isUpright = imageWidth <= imageHeight
        let width = isUpright ? shorterSide : shorterSide * imageWidth / imageHeight
        let height = isUpright ? shorterSide * imageHeight / imageWidth : shorterSide
        self.init(
            box: PixelBox(x: 0, y: 0, width: imageWidth, height: imageHeight), width: width, height: height,
            left: Self.half(width - size), top: Self.half(height - size))
    }

    private static func half(_ difference: Int) -> Int {
        Int((Double(difference) / 2).rounded(.toNearestOrEven))
    }
}
