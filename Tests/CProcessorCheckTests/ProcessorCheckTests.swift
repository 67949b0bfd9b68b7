import CBuildFeatures
import CProcessorCheck
import Foundation
import Testing

/// The functions that decide whether a build runs on a processor; the check itself runs before
/// `main`.
@Suite(.timeLimit(.minutes(30)))
struct ProcessorCheckTests {
    /// Registers of a Haswell: level 3.
    private var haswell: processor_registers {
        var registers = processor_registers()
        registers.leaf1_ecx = 0x7FFA_FBBF
        registers.leaf7_ebx = 0x0000_27AB
        registers.extended1_ecx = 0x21
        registers.xcr0 = 0x7
        return registers
    }

    /// Registers of a Skylake server: level 4.
    private var skylakeServer: processor_registers {
        var registers = processor_registers()
        registers.leaf1_ecx = 0x7FFE_FBFF
        registers.leaf7_ebx = 0xD39F_FFFB
        registers.leaf7_ecx = 0x8
        registers.extended1_ecx = 0x121
        registers.xcr0 = 0xE7
        return registers
    }

    private func missing(needed: UInt64, usable: UInt64) -> String {
        var bytes = [CChar](repeating: 0, count: 400)
        let length = unsafe describe_missing_features(needed, usable, &bytes, bytes.count)
        return String(decoding: bytes.prefix(length).map { UInt8(truncatingIfNeeded: $0) }, as: UTF8.self)
    }

    @Test func levelsAreThoseOfTheProcessors() throws {
        #expect(processor_level(usable_features(haswell)) == 3)
        #expect(processor_level(usable_features(skylakeServer)) == 4)
        #expect(processor_level(usable_features(processor_registers())) == 1)
        // Nehalem: all of SSE and POPCNT, no AVX.
        let v2 = try Features.of(level: 2)
        #expect(processor_level(v2) == 2)
        #expect(try processor_level(v2 & ~Features.set("ssse3")) == 1)
    }

    @Test func registersThatTheSystemDoesNotSaveAreOfNoUse() {
        var withoutZMM = skylakeServer
        withoutZMM.xcr0 = 0x7
        #expect(processor_level(usable_features(withoutZMM)) == 3)
        var withoutYMM = haswell
        withoutYMM.xcr0 = 0x3
        #expect(processor_level(usable_features(withoutYMM)) == 2)
    }

    /// Each register in turn is all ones, so that only its own features may be reported.
    @Test func aRegisterTellsItsOwnFeatures() throws {
        for (register, names) in [
            (\processor_registers.leaf7_edx, "avx512_vp2intersect avx512_fp16"),
            (\.leaf7_1_eax, "avx512_bf16 avx_vnni avx_ifma sha512 sm3 sm4 cmpccxadd"),
            (\.leaf7_1_edx, "apx avx_vnni_int8 avx_vnni_int16 avx_ne_convert"),
            (\.avx10_versions, "avx10.1 avx10.2"),
            (\.extended1_ecx, "lahf lzcnt sse4a xop fma4 tbm"),
        ] {
            var registers = processor_registers()
            registers.xcr0 = .max
            registers[keyPath: register] = .max
            #expect(try usable_features(registers) == Features.set(names), "\(names)")
        }
    }

    @Test func aBuildOfAHigherLevelNamesWhatIsMissingAndWhatToBuild() throws {
        let (v3, v4) = (usable_features(haswell), usable_features(skylakeServer))
        #expect(missing(needed: v3, usable: v4) == "")
        #expect(
            try missing(needed: Features.of(level: 4), usable: v3) == """
                t2fnorm: this build is for processors with avx512f avx512cd avx512bw avx512dq avx512vl, which this \
                processor lacks; run launch/setup on it, or with T2FNORM_CPU=x86-64-v3

                """)
    }

    @Test(arguments: Features.names.indices)
    func eachFeatureCounts(feature: Int) throws {
        let all = try Features.set(Features.names.joined(separator: " "))
        let line = missing(needed: all, usable: all & ~(1 << feature))
        #expect(line.contains("with \(Features.names[feature]), which"))
    }

    @Test func aFeatureBeyondTheLevelsLeavesTheLevel() throws {
        let v4 = usable_features(skylakeServer)
        let line = try missing(needed: v4 | Features.set("gfni vaes"), usable: v4)
        #expect(line.contains("with gfni vaes, which") && line.hasSuffix("T2FNORM_CPU=x86-64-v4\n"))
    }

    @Test func manyMissingFeaturesAreCounted() throws {
        let all = try Features.set(Features.names.joined(separator: " "))
        #expect(
            missing(needed: all, usable: 0) == """
                t2fnorm: this build is for processors with sse3 ssse3 sse4.1 sse4.2 popcnt cx16 and \
                \(Features.names.count - 6) more, which this processor lacks; run launch/setup on it, or with \
                T2FNORM_CPU=x86-64

                """)
        let ten = try missing(
            needed: Features.of(level: 3) & ~Features.set("sse3 ssse3 sse4.1 sse4.2 popcnt"), usable: 0)
        #expect(ten.contains("cx16 lahf avx avx2 fma f16c and 4 more, which"))
    }

    @Test func thisProcessorIsEnoughForThisBuild() {
        #expect(build_features & ~usable_features(read_processor()) == 0)
    }

    /// Compares with the kernel's own list, for features that kernels have long listed.
    @Test(.enabled(if: KernelFlags.all != nil, "needs the flags of an x86-64 in /proc/cpuinfo"))
    func usableFeaturesAreThoseOfTheKernel() throws {
        let flags = try #require(KernelFlags.all)
        let usable = usable_features(read_processor())
        for name in KernelFlags.features.split(separator: " ") {
            let flag = KernelFlags.otherNames[String(name)] ?? String(name)
            #expect(try (usable & Features.set(String(name)) != 0) == flags.contains(flag), "\(name)")
        }
    }
}

/// The features that Linux reports for this processor.
private enum KernelFlags {
    static let features = """
        sse3 ssse3 sse4.1 sse4.2 popcnt cx16 lahf avx avx2 fma f16c bmi1 bmi2 lzcnt movbe avx512f avx512cd avx512bw \
        avx512dq avx512vl avx512ifma avx512vbmi avx512_vbmi2 avx512_vnni avx512_bitalg avx512_vpopcntdq avx512_bf16 \
        gfni vaes vpclmulqdq aes pclmulqdq sha_ni adx sse4a xop fma4 tbm
        """
    static let otherNames = [
        "sse3": "pni", "sse4.1": "sse4_1", "sse4.2": "sse4_2", "lahf": "lahf_lm", "lzcnt": "abm",
    ]

    static let all: Set<String>? = {
        let text = try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)
        let line = text?.split(separator: "\n").first { $0.hasPrefix("flags") }
        return line.map { Set($0.split(whereSeparator: { " \t:".contains($0) }).map(String.init)) }
    }()
}
