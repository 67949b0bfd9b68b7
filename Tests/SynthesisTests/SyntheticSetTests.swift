import DatasetPacking
import DatasetSamples
import Datasets
import Synthesis
import Testing

@Suite(.timeLimit(.minutes(30)))
struct SyntheticSetTests {
    @Test(arguments: SyntheticSet.Name.allCases)
    func aPictureIsAFunctionOfSeedSetAndNumber(name: SyntheticSet.Name) {
        let set = SyntheticSet(name, seed: 4, count: 20)
        let pictures = (0..<20).map { set.image(of: $0) }
        #expect(pictures == (0..<20).map { SyntheticSet(name, seed: 4).image(of: $0) })
        #expect(pictures.allSatisfy { $0.width == 32 && $0.height == 32 })
        #expect(Set(pictures.map { $0.bytes }).count == 20)
        let other = SyntheticSet(name, seed: 5, count: 20)
        #expect((0..<20).allSatisfy { other.image(of: $0) != pictures[$0] })
    }

    @Test func noPictureIsInTwoSets() {
        let hashes = SyntheticSet.Name.allCases.flatMap { name in
            let set = SyntheticSet(name, seed: 0, count: 200)
            return (0..<200).map { set.image(of: $0).bytes }
        }
        #expect(Set(hashes).count == 1200)
    }

    @Test(arguments: [SyntheticSet.Name.train, .validation, .test])
    func classesAreBalancedAndNamed(name: SyntheticSet.Name) {
        let set = SyntheticSet(name, seed: 0, count: 300)
        #expect(set.classNames.count == 10)
        var counts = [Int](repeating: 0, count: 10)
        for record in 0..<300 {
            let label = Int(set.label(of: record))
            counts[label] += 1
            #expect(
                set.subject(of: record) == SyntheticShape(rawValue: set.classNames[label]).map { .shape($0) })
        }
        #expect(counts == [Int](repeating: 30, count: 10))
    }

    @Test(arguments: [SyntheticSet.Name.nearShapes, .farTextures, .farNoise])
    func outOfDistributionSetsHaveNoLabelsAndNoClasses(name: SyntheticSet.Name) {
        let set = SyntheticSet(name, seed: 0, count: 50)
        #expect(set.classNames.isEmpty)
        #expect((0..<50).allSatisfy { set.label(of: $0) == -1 })
    }

    @Test func thePackerGetsEveryPictureOnce() throws {
        let set = SyntheticSet(.nearShapes, seed: 3, count: 12)
        var records = set.records
        #expect(records.origin == "near-shapes, drawn from seed 3")
        for index in 0..<12 {
            let record = try #require(try records.next())
            #expect(record.label == -1)
            guard case .pixels(let image) = record.payload else {
                Issue.record("record \(index) is encoded")
                continue
            }
            #expect(image == set.image(of: index))
        }
        #expect(try records.next() == nil)
    }

    @Test func unseenShapesAreNoneOfTheClasses() {
        let names = Set(SyntheticShape.allCases.map(\.rawValue))
        #expect(names.isDisjoint(with: UnseenShape.allCases.map(\.rawValue)))
    }

    @Test func theMeanPictureOfAClassDoesNotGiveItAway() {
        let train = SyntheticSet(.train, seed: 0, count: 2000)
        var means = [[Float]](repeating: [Float](repeating: 0, count: 3072), count: 10)
        for record in 0..<2000 {
            for (i, byte) in train.image(of: record).bytes.enumerated() {
                means[record % 10][i] += Float(byte) / 200
            }
        }
        let test = SyntheticSet(.test, seed: 0, count: 500)
        let right = (0..<500).filter { record in
            let bytes = test.image(of: record).bytes
            let distances = means.map { mean in
                bytes.indices.reduce(Float(0)) {
                    $0 + (Float(bytes[$1]) - mean[$1]) * (Float(bytes[$1]) - mean[$1])
                }
            }
            return distances.indices.min { distances[$0] < distances[$1] } == record % 10
        }
        // Chance is 50; if this baseline solved the benchmark, no network would be needed.
        #expect(right.count < 200)
    }
}

@Suite(.timeLimit(.minutes(30)))
struct OutlineTests {
    @Test(arguments: [
        (Outline.disc(center: SIMD2(1, 0), radius: 2), SIMD2<Float>(1, 3), Float(1)),
        (.disc(center: SIMD2(1, 0), radius: 2), SIMD2(1, 0.5), -1.5),
        (.polygon([SIMD2(-1, -1), SIMD2(1, -1), SIMD2(1, 1), SIMD2(-1, 1)]), SIMD2(4, 5), 5),
        (.polygon([SIMD2(-1, -1), SIMD2(1, -1), SIMD2(1, 1), SIMD2(-1, 1)]), SIMD2(0.75, 0), -0.25),
        (.stroke([SIMD2(0, 0), SIMD2(2, 0), SIMD2(2, 2)], radius: 0.5), SIMD2(1, 1), 0.5),
        (.border(.disc(center: .zero, radius: 2), radius: 0.5), SIMD2(0, 2.25), -0.25),
        (.union([.disc(center: .zero, radius: 1), .disc(center: SIMD2(4, 0), radius: 1)]), SIMD2(3, 0), 0),
        (.difference(.disc(center: .zero, radius: 2), .disc(center: .zero, radius: 1)), .zero, 1),
    ])
    func distancesAreSigned(outline: Outline, point: SIMD2<Float>, distance: Float) {
        #expect(abs(outline.distance(to: point) - distance) < 1e-6)
    }

    /// All shapes drawn in a square of side 2.4 around the origin, with 48 points per side.
    private static func masks(thickness: Float) -> [(name: String, outline: Outline, mask: Set<Int>)] {
        let outlines =
            SyntheticShape.allCases.map { ($0.rawValue, $0.outline(thickness: thickness)) }
            + UnseenShape.allCases.map { ($0.rawValue, $0.outline(thickness: thickness)) }
        return outlines.map { name, outline in
            let inside = (0..<48 * 48).filter { outline.distance(to: point($0)) < 0 }
            return (name, outline, Set(inside))
        }
    }

    private static func point(_ index: Int) -> SIMD2<Float> {
        SIMD2((Float(index % 48) + 0.5) / 20 - 1.2, (Float(index / 48) + 0.5) / 20 - 1.2)
    }

    @Test(arguments: [Float(0), 0.5, 1])
    func shapesFillAPartOfTheUnitDiscAndStayWithinReach(thickness: Float) {
        for shape in Self.masks(thickness: thickness) {
            // The fraction of the square of side 2 around the unit disc, which has 1,600 points.
            let part = Float(shape.mask.count) / 1600
            #expect(part > 0.1 && part < 0.75, "\(shape.name)")
            let farthest = shape.mask.map { (Self.point($0) * Self.point($0)).sum().squareRoot() }.max() ?? 0
            #expect(farthest > 0.7 && farthest < 1.25 && farthest <= shape.outline.reach, "\(shape.name)")
        }
    }

    @Test(arguments: [Float(0), 1])
    func noTwoShapesAreAlike(thickness: Float) {
        let shapes = Self.masks(thickness: thickness)
        for (i, shape) in shapes.enumerated() {
            for other in shapes[..<i] {
                let common = shape.mask.intersection(other.mask).count
                let overlap = Float(common) / Float(shape.mask.union(other.mask).count)
                #expect(overlap < 0.9, "\(shape.name) and \(other.name)")
            }
        }
    }
}
