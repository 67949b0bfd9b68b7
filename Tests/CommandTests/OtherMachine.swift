import Foundation
import TestSupport
import Testing

/// What another machine would run, as far as this one can: a build of the program, and the loops of the BLAS library.
struct OtherMachine: CustomTestStringConvertible, Sendable {
    let program: URL
    let blasCore: String

    var testDescription: String { "\(program.path) with OPENBLAS_CORETYPE=\(blasCore)" }

    /// The program under the most different loops, every other build under one kind of them: what does not call the library, or does, is
    /// the same in all.
    static let all =
        [OtherMachine(program: builds[0], blasCore: blasCores[0])]
        + builds.dropFirst(blasCores.count > 1 ? 0 : 1).map {
            OtherMachine(program: $0, blasCore: blasCores[blasCores.count - 1])
        }

    /// The program that is tested and, from `T2FNORM_OTHER_BUILDS` (paths with colons between), those built for other levels.
    static let builds =
        [Command.product("t2fnorm")]
        + (ProcessInfo.processInfo.environment["T2FNORM_OTHER_BUILDS"] ?? "").split(separator: ":").map {
            URL(filePath: String($0))
        }

    /// Cores whose loops the BLAS library can run here, an AVX2 one first; on processors that are no x86-64 its own choice.
    static let blasCores: [String] = {
        let flags = Set(
            ((try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? "")
                .split(separator: "\n").first { $0.hasPrefix("flags") }?.split(separator: " ").map(
                    String.init)
                ?? [])
        let needs = [
            ("Haswell", "avx2"), ("Zen", "avx2"), ("SkylakeX", "avx512dq"), ("Cooperlake", "avx512_bf16"),
        ]
        let cores = needs.filter { flags.contains($0.1) }.map(\.0)
        return cores.isEmpty ? [""] : cores
    }()
}
