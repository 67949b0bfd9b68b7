import Foundation
import TestSupport

/// The compiler with x86-64 as its target, on any machine.
enum Clang {
    #if arch(x86_64)
        static let isForThisProcessor = true
    #else
        static let isForThisProcessor = false
    #endif

    /// The instruction sets beyond baseline x86-64 that clang may use for `processor`, by their
    /// macros.
    static func features(of processor: String) async throws -> Set<String> {
        try await macros(of: processor).subtracting(macros(of: "x86-64"))
    }

    /// The assembly of `BuildFeatures.c`, compiled for `processor`.
    static func assembly(of processor: String) async throws -> String {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../../Sources/CBuildFeatures").standardized.path
        return try await compile(
            for: processor, ["-O2", "-S", "-I", "\(folder)/include", "\(folder)/BuildFeatures.c", "-o", "-"])
    }

    /// The bit of each feature in its register according to `cpuid.h`, by the feature's macro.
    static func bits() async throws -> [String: UInt32] {
        let definitions = try await compile(
            for: "x86-64", ["-dM", "-E", "-x", "c", "-include", "cpuid.h", "/dev/null"])
        return Dictionary(
            definitions.matches(of: /#define bit_(\w+) +0x([0-9a-fA-F]+)/).map {
                ("__\($0.1)__", UInt32($0.2, radix: 16) ?? 0)
            }, uniquingKeysWith: { first, _ in first })
    }

    /// The macros in capitals; the others name the processor.
    private static func macros(of processor: String) async throws -> Set<String> {
        let definitions = try await compile(for: processor, ["-dM", "-E", "-x", "c", "/dev/null"])
        return Set(definitions.matches(of: /#define (__[A-Z0-9_]+) 1\n/).map { String($0.1) })
    }

    private static func compile(for processor: String, _ arguments: [String]) async throws -> String {
        try await Tool.clang.output(
            ["--target=x86_64-unknown-linux-gnu", "-march=\(processor)"] + arguments)
    }
}
