internal import Foundation
internal import Numerics

extension Canvas {
    /// A canvas with one of the backgrounds that all sets of objects share: dark or half dark, with
    /// low saturation.
    static func background(with stream: inout RandomStream) -> Canvas {
        var canvas = Canvas()
        let (first, second) = (stream.mutedColor(), stream.mutedColor())
        switch stream.integer(below: 5) {
        case 0: canvas.paint { _, _ in first }
        case 1: canvas.paintGradient(from: first, to: second, with: &stream)
        case 2:
            canvas.paintSmoothNoise(from: first, to: second, cell: stream.uniform(in: 5...14), with: &stream)
        case 3: canvas.paintChecker(first, second, with: &stream)
        default:
            canvas.paint { _, _ in first }
            canvas.drawStrokes(8, with: &stream)
        }
        return canvas
    }

    /// A linear colour gradient in a random direction.
    mutating func paintGradient(from first: Color, to second: Color, with stream: inout RandomStream) {
        let direction = Outline.polar(1, turn: stream.uniform())
        let middle = SIMD2<Float>(repeating: Float(Self.size) / 2)
        paint { point, _ in
            let along = ((point - middle) * direction).sum() / Float(Self.size) + 0.5
            return first + (second - first) * min(max(along, 0), 1)
        }
    }

    /// Smooth noise between two colours: random values on a grid, interpolated by smoothstep.
    ///
    /// - Parameter cell: The grid's spacing, in pixels.
    mutating func paintSmoothNoise(
        from first: Color, to second: Color, cell: Float, with stream: inout RandomStream
    ) {
        let points = Int(Float(Self.size) / cell) + 3
        let values = (0..<points * points).map { _ in stream.uniform() }
        let shift = SIMD2(stream.uniform(), stream.uniform())
        paint { point, _ in
            let place = point / cell + shift
            let (column, row) = (Int(place.x), Int(place.y))
            let rest = SIMD2(place.x - Float(column), place.y - Float(row))
            let step = rest * rest * (3 - 2 * rest)
            let i = row * points + column
            let above = values[i] + (values[i + 1] - values[i]) * step.x
            let below = values[i + points] + (values[i + points + 1] - values[i + points]) * step.x
            return first + (second - first) * (above + (below - above) * step.y)
        }
    }

    /// A rotated chequerboard of two colours.
    mutating func paintChecker(_ first: Color, _ second: Color, with stream: inout RandomStream) {
        let cell = stream.uniform(in: 4...9)
        let turn = stream.uniform()
        let along = Outline.polar(1, turn: turn)
        let across = Outline.polar(1, turn: turn + 0.25)
        let shift = stream.point()
        paint { point, _ in
            let offset = point - shift
            let sum =
                ((offset * along).sum() / cell).rounded(.down)
                + ((offset * across).sum() / cell).rounded(.down)
            return Int(sum).isMultiple(of: 2) ? first : second
        }
    }

    /// Short straight strokes, half as bright as objects may be, as clutter.
    mutating func drawStrokes(_ count: Int, with stream: inout RandomStream) {
        for _ in 0..<count {
            let half = stream.uniform(in: 1.5...5)
            let color = 0.6 * stream.color()
            fill(
                .stroke([SIMD2(-1, 0), SIMD2(1, 0)], radius: stream.uniform(in: 0.1...0.35)),
                center: stream.point(), radius: half, turn: stream.uniform(), opacity: 0.8
            ) { _ in color }
        }
    }
}
