import CBuildFeatures
import CProcessorCheck
import Foundation
import TestSupport
import Testing

/// Checks, by clang's own macros, that the table has all features that clang may use on a
/// processor.
@Suite(.enabled(if: Tool.clang.isThere, "needs clang, which comes with Swift"), .timeLimit(.minutes(30)))
struct BuildFeaturesTests {
    static let processors =
        [
            "x86-64-v2", "x86-64-v3", "x86-64-v4", "haswell", "skylake-avx512", "cascadelake", "cooperlake",
            "icelake-server", "sapphirerapids", "emeraldrapids", "graniterapids", "graniterapids-d",
            "sierraforest", "clearwaterforest", "diamondrapids", "bdver4", "znver1", "znver2", "znver3",
            "znver4", "znver5",
        ] + (Clang.isForThisProcessor ? ["native"] : [])

    /// The macros of features that a build need not require, without the underscores around them.
    private static let uncounted = Set(
        [
            // Features that another feature's bit reports, or names for parts of a feature.
            "CRC32 EVEX256 EVEX512 AVX10_1_512 AVX10_2_512 APX_F CCMP CF NDD NF PPX PUSH2POP2 ZU",
            // Instructions of the system and of hypervisors; clang uses none of these by itself.
            "CLZERO ENQCMD FSGSBASE HRESET INVPCID KL LWP MWAITX PCONFIG PKU PTWRITE RDPID RDPRU RDRND RDSEED",
            "SERIALIZE SGX SHSTK TSXLDTRK UINTR USERMSR WAITPKG WBNOINVD WIDEKL XSAVE XSAVEC XSAVEOPT XSAVES",
            // Stores that bypass the caches, and cache hints; clang uses none of these by itself
            // either.
            "CLDEMOTE CLFLUSHOPT CLWB MOVDIR64B MOVDIRI MOVRS PREFETCHI PRFCHW",
            // Transactions on memory; clang uses none by itself.
            "RTM",
            // Matrix tiles, which a program has to request from the system.
            "AMX_AVX512 AMX_BF16 AMX_COMPLEX AMX_FP16 AMX_FP8 AMX_INT8 AMX_MOVRS AMX_TF32 AMX_TILE AMX_TRANSPOSE",
        ].joined(separator: " ").split(separator: " ").map { "__\($0)__" })

    @Test(arguments: processors) func everyInstructionSetOfAProcessorIsInTheTable(processor: String)
        async throws
    {
        let unknown = try await Clang.features(of: processor).subtracting(Features.macros)
        #expect(unknown.subtracting(Self.uncounted) == [])
    }

    /// A misspelled macro would never be defined.
    @Test func everyMacroOfTheTableIsDefinedForSomeProcessor() async throws {
        var known: Set<String> = []
        for processor in Self.processors { known.formUnion(try await Clang.features(of: processor)) }
        #expect(Set(Features.macros).subtracting(known) == [])
    }

    @Test(arguments: ["x86-64"] + processors)
    func theConstantHoldsTheMacrosOfTheBuild(processor: String) async throws {
        let macros = try await Clang.features(of: processor)
        let expected = Features.macros.indices.reduce(UInt64(0)) { set, number in
            macros.contains(Features.macros[number]) ? set | 1 << number : set
        }
        let assembly = try await Clang.assembly(of: processor)
        let value = assembly.firstMatch(of: /build_features:\s+\.quad\s+(-?[0-9]+)/)?.1
        let found = value.flatMap { Int64($0).map(UInt64.init(bitPattern:)) ?? UInt64($0) }
        #expect(found == expected)
        #expect(!assembly.contains("@function"))
    }

    @Test(arguments: 2...4) func levelsAreThoseOfClang(level: Int) async throws {
        let macros = try await Clang.features(of: "x86-64-v\(level)")
        let features = Features.macros.indices.filter { macros.contains(Features.macros[$0]) }
        #expect(try features.reduce(0) { $0 | 1 << UInt64($1) } == Features.of(level: level))
    }

    /// Covers the features that clang's header names like the macro; their registers are tested
    /// elsewhere.
    @Test func bitsAreThoseOfClangsHeader() async throws {
        let bits = try await Clang.bits()
        let known = Features.macros.indices.filter { bits[Features.macros[$0]] != nil }
        #expect(known.count > 40)
        for number in known {
            let bit = try #require(bits[Features.macros[number]])
            #expect(usable(where: bit) >> number & 1 == 1, "\(Features.names[number])")
            #expect(usable(where: ~bit) >> number & 1 == 0, "\(Features.names[number])")
        }
    }

    /// The features of a processor with `bits` in each register.
    private func usable(where bits: UInt32) -> UInt64 {
        usable_features(
            processor_registers(
                leaf1_ecx: bits, leaf7_ebx: bits, leaf7_ecx: bits, leaf7_edx: bits, leaf7_1_eax: bits,
                leaf7_1_edx: bits, avx10_versions: bits, extended1_ecx: bits, xcr0: .max))
    }
}
