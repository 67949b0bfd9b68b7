import Foundation
import TestSupport

/// What other machines would run, as far as this one can.
enum OtherMachine {
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
