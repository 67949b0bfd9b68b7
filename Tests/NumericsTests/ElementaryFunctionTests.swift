import Foundation
import Numerics
import TestSupport
import Testing

#if arch(x86_64)
    /// A function, its test arguments, and the system's function in extended precision, whose 64
    /// bits count as the exact value.
    struct ElementaryFunction: CustomTestStringConvertible, Sendable {
        let testDescription: String
        /// Draws the arguments from a random stream.
        let argument: @Sendable (inout RandomStream) -> (Double, Double)
        let function: @Sendable (Double, Double) -> Double
        let reference: @Sendable (Float80, Float80) -> Float80

        private static func one(
            _ name: String, _ range: ClosedRange<Double>, _ function: @escaping @Sendable (Double) -> Double,
            _ reference: @escaping @Sendable (Float80) -> Float80
        ) -> ElementaryFunction {
            ElementaryFunction(
                testDescription: name, argument: { ($0.within(range), 0) }, function: { x, _ in function(x) },
                reference: { x, _ in reference(x) })
        }

        private static func power(
            _ name: String, _ bases: @escaping @Sendable (inout RandomStream) -> Double,
            _ exponents: ClosedRange<Double>
        ) -> ElementaryFunction {
            ElementaryFunction(
                testDescription: name, argument: { (bases(&$0), $0.within(exponents)) },
                function: { Numerics.power($0, $1) }, reference: { Foundation.pow($0, $1) })
        }

        static let all = [
            one("exp to the ends", -745.2...709.8, { exponential($0) }, { Foundation.exp($0) }),
            one("exp around 0", -1...1, { exponential($0) }, { Foundation.exp($0) }),
            one("exp below 1e-8", -1e-8...1e-8, { exponential($0) }, { Foundation.exp($0) }),
            ElementaryFunction(
                testDescription: "log of any number", argument: { ($0.positive(), 0) },
                function: { x, _ in logarithm(x) }, reference: { x, _ in Foundation.log(x) }),
            one("log around 1", 0.5...2, { logarithm($0) }, { Foundation.log($0) }),
            one("log at 1", 0.9999...1.0001, { logarithm($0) }, { Foundation.log($0) }),
            one("sin", -7...7, { sine($0) }, { Foundation.sin($0) }),
            one("sin to the ends", -0x1p20...0x1p20, { sine($0) }, { Foundation.sin($0) }),
            one("cos", -7...7, { cosine($0) }, { Foundation.cos($0) }),
            one("cos to the ends", -0x1p20...0x1p20, { cosine($0) }, { Foundation.cos($0) }),
            ElementaryFunction(
                testDescription: "sin at multiples of π",
                argument: { (Double($0.integer(below: 300_000)) * .pi, 0) },
                function: { x, _ in sine(x) }, reference: { x, _ in Foundation.sin(x) }),
            power("pow of probabilities", { $0.uniformDouble() }, 0...4),
            power("pow of large exponents", { $0.within(0.1...10) }, -300...300),
            power("pow of any base", { $0.positive() }, -1...1),
        ]
    }

    extension RandomStream {
        fileprivate mutating func within(_ range: ClosedRange<Double>) -> Double {
            range.lowerBound + (range.upperBound - range.lowerBound) * uniformDouble()
        }

        /// Any positive finite number, subnormal ones included.
        fileprivate mutating func positive() -> Double {
            Double(bitPattern: 1 + next() % (0x7FF0_0000_0000_0000 - 1))
        }
    }

    extension ElementaryFunction {
        /// The largest error, in units in the last place of the exact value.
        func worst(of count: Int, stream: Int) -> Double {
            var numbers = RandomStream(seed: 17, purpose: .test, stream)
            var worst = 0.0
            for _ in 0..<count {
                let (x, y) = argument(&numbers)
                let exact = reference(Float80(x), Float80(y))
                let (found, rounded) = (function(x, y), Double(exact))
                guard found.isFinite && rounded.isFinite else {
                    if found != rounded { return .infinity }
                    continue
                }
                worst = max(worst, Double(abs(Float80(found) - exact) / Float80(rounded.ulp)))
            }
            return worst
        }
    }

    struct ElementaryFunctionTests {
        /// Ten million arguments in all.
        @Test(.slow, arguments: Array(ElementaryFunction.all.enumerated()))
        func isWithinAUnitInTheLastPlace(index: Int, row: ElementaryFunction) {
            #expect(row.worst(of: 750_000, stream: index) < 1)
        }

        @Test(.slow) func singlePrecisionIsTheRoundedDoublePrecision() {
            var numbers = RandomStream(seed: 18, purpose: .test)
            var worst = Float80(0)
            for _ in 0..<500_000 {
                let x = Float(numbers.within(-87...88))
                let (base, exponent) = (numbers.uniform(), Float(numbers.within(-4...4)))
                for (found, exact) in [
                    (exponential(x), Foundation.exp(Float80(x))),
                    (power(base, exponent), Foundation.pow(Float80(base), Float80(exponent))),
                ] where Float(exact).isFinite {
                    worst = max(worst, abs(Float80(found) - exact) / Float80(Float(exact).ulp))
                }
            }
            // Half a unit is the rounding itself.
            #expect(worst < 0.5001)
        }
    }
#endif
