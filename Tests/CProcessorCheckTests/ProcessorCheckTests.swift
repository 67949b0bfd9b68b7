import CBuildFeatures
import CProcessorCheck
import Testing

/// What decides whether a build runs on a processor; the check itself runs before `main`.
struct ProcessorCheckTests {
    /// Registers of a Haswell: level 3.
    private var haswell: processor_registers {
        processor_registers(
            leaf1_ecx: 0x7FFA_FBBF, leaf7_ebx: 0x0000_27AB, leaf7_ecx: 0, extended1_ecx: 0x21, xcr0: 0x7)
    }

    /// Registers of a Skylake server: level 4.
    private var skylakeServer: processor_registers {
        processor_registers(
            leaf1_ecx: 0x7FFE_FBFF, leaf7_ebx: 0xD39F_FFFB, leaf7_ecx: 0x8, extended1_ecx: 0x121, xcr0: 0xE7)
    }

    private func missing(needed: UInt32, usable: UInt32) -> String {
        var bytes = [CChar](repeating: 0, count: 400)
        let length = unsafe describe_missing_features(needed, usable, &bytes, bytes.count)
        return String(decoding: bytes.prefix(length).map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    @Test func levelsAreThoseOfTheProcessors() {
        #expect(processor_level(usable_features(haswell)) == 3)
        #expect(processor_level(usable_features(skylakeServer)) == 4)
        #expect(processor_level(usable_features(processor_registers())) == 1)
        // Nehalem: SSE4.2 and POPCNT, no AVX.
        #expect(processor_level(FEATURE_SSE42.rawValue | FEATURE_POPCNT.rawValue) == 2)
    }

    @Test func registersThatTheSystemDoesNotSaveAreOfNoUse() {
        var withoutZMM = skylakeServer
        withoutZMM.xcr0 = 0x7
        #expect(processor_level(usable_features(withoutZMM)) == 3)
        var withoutYMM = haswell
        withoutYMM.xcr0 = 0x3
        #expect(processor_level(usable_features(withoutYMM)) == 2)
    }

    @Test func aBuildOfAHigherLevelNamesWhatIsMissingAndWhatToBuild() {
        let (v3, v4) = (usable_features(haswell), usable_features(skylakeServer))
        #expect(missing(needed: v3, usable: v4) == "")
        #expect(
            missing(needed: v4, usable: v3) == """
                t2fnorm: this build is for processors with avx512f avx512cd avx512bw avx512dq avx512vl, which this one \
                has not; run launch/setup on it, or with T2FNORM_CPU=x86-64-v3

                """)
    }

    @Test func aFeatureBeyondTheLevelsCounts() {
        let v4 = usable_features(skylakeServer)
        let line = missing(needed: v4 | FEATURE_AVX512VNNI.rawValue, usable: v4)
        #expect(line.contains("with avx512_vnni, which") && line.hasSuffix("T2FNORM_CPU=x86-64-v4\n"))
    }

    @Test func everyMissingFeatureFitsTheLine() {
        let line = missing(needed: (1 << FEATURE_COUNT.rawValue) - 1, usable: 0)
        #expect(line.contains(" sse4.2 ") && line.hasSuffix("T2FNORM_CPU=x86-64\n"))
    }

    @Test func thisProcessorIsEnoughForThisBuild() {
        #expect(build_features & ~usable_features(read_processor()) == 0)
    }
}
