internal import Foundation
internal import Numerics

extension Canvas {
    /// Draws one object with random position, size, rotation and bright colours.
    mutating func drawObject(_ outline: Outline, with stream: inout RandomStream) {
        // The diameter is 35 to 80 % of the canvas; the centre keeps most of the object inside.
        let half = Float(Self.size) / 2
        let radius = half * stream.uniform(in: 0.35...0.8)
        let room = max(half - 0.9 * radius, 0)
        let x = half + stream.uniform(in: -room...room)
        let y = half + stream.uniform(in: -room...room)
        let turn = stream.uniform(in: -Self.largestTurn...Self.largestTurn)
        let first = stream.brightColor()
        let second = stream.brightColor()
        let style = stream.integer(below: 4)
        fill(outline, center: SIMD2(x, y), radius: radius, turn: turn) { point in
            switch style {
            case 0, 1: first
            case 2: first + (second - first) * min(max(0.5 + 0.5 * point.y, 0), 1)
            default: first + (second - first) * min(length(point), 1)
            }
        }
    }

    /// The largest rotation of objects to either side, in full turns.
    private static let largestTurn: Float = 1 / 8
}
