import Foundation
import TestSupport
import Testing

/// The library functions that the program's object files call, by `llvm-nm`.
@Suite(.enabled(if: Tool.nm.isThere, "needs llvm-nm, which comes with Swift"), .timeLimit(.minutes(30)))
struct LibraryCallTests {
    /// Functions whose result is not exactly specified, so that it may depend on the C library and
    /// the processor.
    private static let inexact = Set(
        [
            "exp", "exp2", "exp10", "expm1", "log", "log2", "log10", "log1p", "pow", "cbrt", "hypot", "sin",
            "cos",
            "tan", "sincos", "asin", "acos", "atan", "atan2", "sinh", "cosh", "tanh", "asinh", "acosh",
            "atanh", "erf",
            "erfc", "tgamma", "lgamma", "lgamma_r",
        ].flatMap { [$0, $0 + "f", $0 + "l", "__\($0)_finite"] })

    /// All undefined symbols, by module.
    private func calls() async throws -> [String: Set<String>] {
        let products = Command.product("t2fnorm").deletingLastPathComponent()
        let sources = packageRoot.appending(path: "Sources")
        var calls: [String: Set<String>] = [:]
        for module in try FileManager.default.contentsOfDirectory(atPath: sources.path) {
            let folder = products.appending(path: "\(module).build").path
            let files = (FileManager.default.enumerator(atPath: folder)?.allObjects as? [String] ?? [])
                .filter { $0.hasSuffix(".o") }.map { "\(folder)/\($0)" }
            guard !files.isEmpty else { continue }
            let listing = try await Tool.nm.output(["--undefined-only", "--format=posix"] + files)
            calls[module] = Set(
                listing.split(separator: "\n").compactMap {
                    $0.split(separator: " ").first.map(String.init)
                })
        }
        return calls
    }

    @Test func noElementaryFunctionComesFromTheSystem() async throws {
        let calls = try await calls()
        #expect(calls.count > 20, "\(calls.keys)")
        for (module, symbols) in calls {
            #expect(symbols.intersection(Self.inexact) == [], "\(module)")
        }
    }

    @Test func theBLASLibraryMakesTheConvolutionsOfItsNameAlone() async throws {
        for (module, symbols) in try await calls() {
            let library = symbols.filter {
                $0.hasPrefix("cblas_") || $0.hasPrefix("openblas_")
                    || $0.wholeMatch(of: /[sd][a-z0-9]{4,6}_/) != nil
            }
            let expected: Set = [
                "cblas_sgemm", "openblas_get_config", "openblas_get_corename", "openblas_set_num_threads",
            ]
            #expect(library == (module == "Kernels" ? expected : []), "\(module)")
        }
    }
}
