/// Where the pixels of a transformed image come from: a box is resized, a square is cut out of it, mirrored or not, and moved.
public struct ImagePlacement: Equatable, Sendable {
    /// The part of the stored image that is looked at.
    public var box: PixelBox
    /// The box's width once it is resized.
    public var width: Int
    /// The box's height once it is resized.
    public var height: Int
    /// Where the square's columns begin in the resized box.
    public var left: Int
    /// Where the square's rows begin in the resized box.
    public var top: Int
    /// Whether the square is mirrored left to right.
    public var isMirrored: Bool
    /// Columns by which the mirrored square is moved to the left; what comes in from outside is black.
    public var shiftX: Int
    /// Rows by which it is moved up.
    public var shiftY: Int

    public init(
        box: PixelBox, width: Int, height: Int, left: Int = 0, top: Int = 0, isMirrored: Bool = false,
        shiftX: Int = 0, shiftY: Int = 0
    ) {
        self.box = box
        self.width = width
        self.height = height
        self.left = left
        self.top = top
        self.isMirrored = isMirrored
        self.shiftX = shiftX
        self.shiftY = shiftY
    }

    /// The middle square of the image once its shorter side is resized to `shorterSide`.
    ///
    /// The longer side is rounded down, and halves of the offset to even, as torchvision does.
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
