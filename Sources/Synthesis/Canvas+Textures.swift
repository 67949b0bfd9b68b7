internal import Numerics

extension Canvas {
    /// A canvas covered by one texture without an object. Its colours are those of backgrounds, or
    /// half way between these and any other.
    ///
    /// Textures of full contrast, and noise of full contrast even more, are useless to test a
    /// network trained for minutes: it is as confident on them as on objects (`docs/status.md`),
    /// since their edges are stronger than any it has seen.
    static func texture(with stream: inout RandomStream) -> Canvas {
        var canvas = Canvas()
        let (first, second) = (stream.mutedColor(), stream.textureColor())
        switch stream.integer(below: 5) {
        case 0: canvas.paintGradient(from: first, to: second, with: &stream)
        case 1: canvas.paintWaves(first, second, count: 1, with: &stream)
        case 2: canvas.paintWaves(first, second, count: 3, with: &stream)
        case 3: canvas.paintCells(with: &stream)
        default:
            canvas.paintSmoothNoise(from: first, to: second, cell: stream.uniform(in: 2.5...5), with: &stream)
        }
        return canvas
    }

    /// A canvas of noise around the colour of a background: independent pixels, grains of some
    /// pixels, or specks of two colours.
    static func noise(with stream: inout RandomStream) -> Canvas {
        var canvas = Canvas()
        let grain = [1, 1, 2, 4][stream.integer(below: 4)]
        let columns = size / grain
        let isGrey = stream.uniform() < 0.3
        let values = (0..<columns * columns).map { _ in
            isGrey ? Color(repeating: stream.uniform()) : stream.color()
        }
        let isBinary = stream.uniform() < 0.25
        let middle = stream.mutedColor()
        let contrast = stream.uniform(in: 0.2...0.6)
        canvas.paint { point, _ in
            let color = values[Int(point.y) / grain * columns + Int(point.x) / grain]
            let value = isBinary ? Color(repeating: color.x < 0.5 ? 0 : 1) : color
            return middle + contrast * (value - 0.5)
        }
        return canvas
    }

    /// The product of sine waves in random directions, between two colours.
    private mutating func paintWaves(
        _ first: Color, _ second: Color, count: Int, with stream: inout RandomStream
    ) {
        let waves = (0..<count).map { _ in
            let direction = Outline.polar(2 * .pi / stream.uniform(in: 3...9), turn: stream.uniform())
            return (direction, stream.uniform(in: 0...2 * .pi))
        }
        paint { point, _ in
            let product = waves.reduce(Float(1)) { $0 * sine(($1.0 * point).sum() + $1.1) }
            return first + (second - first) * (0.5 + 0.5 * product)
        }
    }

    /// Cells around random points, each of its own colour and darker towards its border.
    private mutating func paintCells(with stream: inout RandomStream) {
        let cells = (0..<10 + stream.integer(below: 20)).map { _ in
            (stream.point(margin: 3), stream.textureColor())
        }
        paint { point, _ in
            var nearest = (distance: Float.infinity, color: Color.zero)
            for (center, color) in cells {
                let distance = length(point - center)
                if distance < nearest.distance { nearest = (distance, color) }
            }
            return nearest.color * max(0.3, 1 - nearest.distance / 12)
        }
    }
}

extension RandomStream {
    /// A colour half way between that of a background and any other.
    fileprivate mutating func textureColor() -> Color {
        let muted = mutedColor()
        return muted + 0.5 * (color() - muted)
    }
}
