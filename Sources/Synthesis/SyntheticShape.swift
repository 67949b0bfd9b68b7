/// The classes of the embedded benchmark.
package enum SyntheticShape: String, CaseIterable, Sendable {
    case disc, ring, square, triangle, cross, star, arrow, crescent, stripes, hourglass

    /// The outline; `thickness` in 0…1 changes how heavily it is drawn.
    package func outline(thickness: Float) -> Outline {
        switch self {
        case .disc:
            return .disc(center: .zero, radius: 0.9)
        case .ring:
            return .border(.disc(center: .zero, radius: 0.78), radius: 0.12 + 0.12 * thickness)
        case .square:
            return .rectangle(x: -0.78...0.78, y: -0.78...0.78)
        case .triangle:
            return .regular(corners: 3)
        case .cross:
            let arm = 0.2 + 0.14 * thickness
            return .union([
                .rectangle(x: -0.95...0.95, y: -arm...arm), .rectangle(x: -arm...arm, y: -0.95...0.95),
            ])
        case .star:
            return .star(points: 5, innerRadius: 0.36 + 0.12 * thickness)
        case .arrow:
            let shaft = 0.14 + 0.14 * thickness
            return .polygon([
                SIMD2(0, -1), SIMD2(0.72, -0.1), SIMD2(shaft, -0.1), SIMD2(shaft, 0.95),
                SIMD2(-shaft, 0.95), SIMD2(-shaft, -0.1), SIMD2(-0.72, -0.1),
            ])
        case .crescent:
            let hole = Outline.disc(center: SIMD2(0.42 - 0.1 * thickness, 0), radius: 0.74)
            return .difference(.disc(center: .zero, radius: 0.95), hole)
        case .stripes:
            let half = 0.13 + 0.07 * thickness
            return .union(
                [-0.68, 0, 0.68].map { y in .rectangle(x: -0.85...0.85, y: y - half...y + half) })
        case .hourglass:
            let waist = 0.06 + 0.14 * thickness
            return .polygon([
                SIMD2(-0.75, -0.9), SIMD2(0.75, -0.9), SIMD2(waist, 0), SIMD2(0.75, 0.9),
                SIMD2(-0.75, 0.9), SIMD2(-waist, 0),
            ])
        }
    }
}

/// Objects in the style of the classes that belong to no class: the near out-of-distribution set.
package enum UnseenShape: String, CaseIterable, Sendable {
    case heart, spiral, semicircle, wye, letterH, letterL, lightning, capsule, lens, pinwheel

    /// The outline; `thickness` in 0…1 changes how heavily it is drawn.
    package func outline(thickness: Float) -> Outline {
        let line = 0.13 + 0.09 * thickness
        switch self {
        case .heart:
            return .union([
                .disc(center: SIMD2(-0.42, -0.35), radius: 0.5),
                .disc(center: SIMD2(0.42, -0.35), radius: 0.5),
                .polygon([SIMD2(-0.86, -0.1), SIMD2(0, -0.45), SIMD2(0.86, -0.1), SIMD2(0, 0.95)]),
            ])
        case .spiral:
            let points = (0...40).map { Outline.polar(0.08 + 0.02 * Float($0), turn: Float($0) / 20) }
            return .stroke(points, radius: 0.08 + 0.05 * thickness)
        case .semicircle:
            return .difference(
                .disc(center: SIMD2(0, 0.4), radius: 0.9), .rectangle(x: -2...2, y: 0.4...3))
        case .wye:
            return .union(
                (0..<3).map {
                    .stroke([.zero, Outline.polar(0.85, turn: (Float($0) + 0.5) / 3)], radius: line)
                })
        case .letterH:
            return .union([
                .stroke([SIMD2(-0.55, -0.8), SIMD2(-0.55, 0.8)], radius: line),
                .stroke([SIMD2(0.55, -0.8), SIMD2(0.55, 0.8)], radius: line),
                .stroke([SIMD2(-0.55, 0), SIMD2(0.55, 0)], radius: line),
            ])
        case .letterL:
            return .stroke([SIMD2(-0.45, -0.85), SIMD2(-0.45, 0.75), SIMD2(0.6, 0.75)], radius: line)
        case .lightning:
            return .polygon([
                SIMD2(0.25, -1), SIMD2(-0.6, 0.15), SIMD2(-0.05, 0.15), SIMD2(-0.3, 1), SIMD2(0.6, -0.2),
                SIMD2(0.05, -0.2),
            ])
        case .capsule:
            return .stroke([SIMD2(0, -0.6), SIMD2(0, 0.6)], radius: 0.26 + 0.1 * thickness)
        case .lens:
            let left = Outline.disc(center: SIMD2(-0.6, 0), radius: 1.12)
            let outside = Outline.difference(
                .rectangle(x: -2...2, y: -2...2), .disc(center: SIMD2(0.6, 0), radius: 1.12))
            return .difference(left, outside)
        case .pinwheel:
            return .union(
                (0..<4).map {
                    let turn = Float($0) / 4
                    return .polygon([
                        .zero, Outline.polar(0.98, turn: turn), Outline.polar(0.62, turn: turn + 0.14),
                    ])
                })
        }
    }
}
