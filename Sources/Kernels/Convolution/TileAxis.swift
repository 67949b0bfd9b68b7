/// Tiles along an axis: first those of four positions, then those of three, then those of two.
///
/// Tiles of three and two positions cover what fours would exceed: 14 positions are 4 + 4 + 3 + 3.
struct TileAxis: Sendable {
    private let fours: Int
    private let threes: Int
    private let twos: Int

    /// Tiles of four positions; the last may exceed the axis.
    init(foursCovering size: Int) {
        fours = (size + 3) / 4
        threes = 0
        twos = 0
    }

    /// The tiles with the fewest products for 3 weights: a tile of n positions takes n + 2.
    init(fewestProductsFor size: Int) {
        let missing = -size & 3
        switch (size + 3) / 4 - missing {
        case let fours where fours >= 0: self.init(fours: fours, threes: missing, twos: 0)
        // 5, 2 and 1.
        default: self.init(fours: 0, threes: size / 5, twos: 1)
        }
    }

    private init(fours: Int, threes: Int, twos: Int) {
        self.fours = fours
        self.threes = threes
        self.twos = twos
    }

    /// Number of tiles.
    var count: Int { fours + threes + twos }

    /// Products along the axis, those of all tiles together.
    var products: Int { 6 * fours + 5 * threes + 4 * twos }

    /// The first position of a tile; for `count` the end.
    @inline(__always)
    func start(of tile: Int) -> Int {
        let shorter = max(0, tile - fours)
        return 4 * min(tile, fours) + 3 * min(shorter, threes) + 2 * max(0, shorter - threes)
    }

    /// How many positions a tile has fewer than four.
    @inline(__always)
    func shortening(of tile: Int) -> Int { tile < fours ? 0 : tile < fours + threes ? 1 : 2 }
}
