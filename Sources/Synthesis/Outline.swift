internal import Numerics

/// A drawn shape as a signed distance: below 0 inside, above 0 outside, in the shape's own units.
///
/// Points are `(x, y)`, y downwards; shapes fill about the disc of radius 1 around the origin.
package enum Outline: Sendable {
    /// A disc.
    case disc(center: SIMD2<Float>, radius: Float)
    /// A closed polygon, filled by the even-odd rule.
    case polygon([SIMD2<Float>])
    /// A polyline of thickness `2 * radius`, with round ends.
    case stroke([SIMD2<Float>], radius: Float)
    /// The union of the outlines.
    indirect case union([Outline])
    /// The first outline without the second.
    indirect case difference(Outline, Outline)
    /// A line of thickness `2 * radius` along an outline's border.
    indirect case border(Outline, radius: Float)

    /// The signed distance of `point` from the border, negative inside: exact for a single shape, a
    /// lower bound for combined ones.
    package func distance(to point: SIMD2<Float>) -> Float {
        switch self {
        case .disc(let center, let radius):
            return length(point - center) - radius
        case .polygon(let corners):
            return Self.polygonDistance(point, corners)
        case .stroke(let points, let radius):
            var square = Float.infinity
            for i in points.indices.dropFirst() {
                square = min(square, Self.squaredDistance(point, from: points[i - 1], to: points[i]))
            }
            return square.squareRoot() - radius
        case .union(let parts):
            return parts.reduce(.infinity) { min($0, $1.distance(to: point)) }
        case .difference(let whole, let hole):
            return max(whole.distance(to: point), -hole.distance(to: point))
        case .border(let outline, let radius):
            return abs(outline.distance(to: point)) - radius
        }
    }

    /// A radius around the origin beyond which nothing is inside.
    package var reach: Float {
        switch self {
        case .disc(let center, let radius): length(center) + radius
        case .polygon(let corners): corners.reduce(0) { max($0, length($1)) }
        case .stroke(let points, let radius): points.reduce(0) { max($0, length($1)) } + radius
        case .union(let parts): parts.reduce(0) { max($0, $1.reach) }
        case .difference(let whole, _): whole.reach
        case .border(let outline, let radius): outline.reach + radius
        }
    }

    private static func polygonDistance(_ point: SIMD2<Float>, _ corners: [SIMD2<Float>]) -> Float {
        var square = Float.infinity
        var isInside = false
        var previous = corners[corners.count - 1]
        for corner in corners {
            square = min(square, squaredDistance(point, from: previous, to: corner))
            if (corner.y > point.y) != (previous.y > point.y) {
                let along = (point.y - corner.y) / (previous.y - corner.y)
                if point.x < corner.x + along * (previous.x - corner.x) { isInside.toggle() }
            }
            previous = corner
        }
        return isInside ? -square.squareRoot() : square.squareRoot()
    }

    private static func squaredDistance(
        _ point: SIMD2<Float>, from start: SIMD2<Float>, to end: SIMD2<Float>
    ) -> Float {
        let edge = end - start
        let offset = point - start
        let along = min(max((offset * edge).sum() / max((edge * edge).sum(), 1e-12), 0), 1)
        let rest = offset - edge * along
        return (rest * rest).sum()
    }
}

extension Outline {
    /// A regular polygon; the first corner points up.
    static func regular(corners: Int, radius: Float = 1) -> Outline {
        .polygon((0..<corners).map { polar(radius, turn: Float($0) / Float(corners)) })
    }

    /// A star with `points` points; the first one points up.
    static func star(points: Int, innerRadius: Float) -> Outline {
        .polygon(
            (0..<2 * points).map {
                polar($0.isMultiple(of: 2) ? 1 : innerRadius, turn: Float($0) / Float(2 * points))
            })
    }

    /// A rectangle whose sides are parallel to the axes.
    static func rectangle(x: ClosedRange<Float>, y: ClosedRange<Float>) -> Outline {
        .polygon([
            SIMD2(x.lowerBound, y.lowerBound), SIMD2(x.upperBound, y.lowerBound),
            SIMD2(x.upperBound, y.upperBound), SIMD2(x.lowerBound, y.upperBound),
        ])
    }

    /// The point at `radius`, `turn` of a full turn clockwise from straight up.
    static func polar(_ radius: Float, turn: Float) -> SIMD2<Float> {
        let angle = 2 * Float.pi * turn
        return radius * SIMD2(sine(angle), -cosine(angle))
    }
}

func length(_ vector: SIMD2<Float>) -> Float { (vector * vector).sum().squareRoot() }
