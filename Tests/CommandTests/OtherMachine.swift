import Foundation
import TestSupport
import Testing

/// Another machine, simulated as far as this one can: a build of the program for it, and the BLAS
/// kernels that it would select.
struct OtherMachine: CustomTestStringConvertible, Sendable {
    let program: URL
    let blasCore: String

    var testDescription: String { "\(program.path) with OPENBLAS_CORETYPE=\(blasCore)" }

    /// The tested program with the first BLAS core type, then every build with the last core type;
    /// the tested program is repeated if there are several core types.
    static let all =
        [OtherMachine(program: builds[0], blasCore: blasCores[0])]
        + builds.dropFirst(blasCores.count > 1 ? 0 : 1).map {
            OtherMachine(program: $0, blasCore: blasCores[blasCores.count - 1])
        }

    /// The tested program and, from `T2FNORM_OTHER_BUILDS` (paths separated by colons), builds for
    /// other micro-architecture levels.
    static let builds =
        [Command.product("t2fnorm")]
        + (ProcessInfo.processInfo.environment["T2FNORM_OTHER_BUILDS"] ?? "").split(separator: ":").map {
            URL(filePath: String($0))
        }

    /// BLAS core types that can run here, an AVX2 one first; on processors other than x86-64 the
    /// library's own choice.
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
