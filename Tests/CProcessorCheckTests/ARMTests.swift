import Foundation
import TestSupport
import Testing

/// Checks on 64-bit ARM that the C code compiles, and, if there is an emulator, that it runs.
@Suite(
    .enabled("needs clang, which comes with Swift, \(ARMCompiler.packages)") { await ARMCompiler.isThere() },
    .timeLimit(.minutes(30)))
struct ARMTests {
    /// Architectures without and with the CRC-32C instruction.
    static let architectures = ["armv8-a", "armv8.2-a"]

    @Test(arguments: architectures) func everyCTargetCompiles(architecture: String) async throws {
        let libraries = try await ARMCompiler.librariesOptions()
        let sources = "\(ARMCompiler.root)/Sources"
        for (source, options) in [
            ("CBuildFeatures/BuildFeatures.c", ["-march=\(architecture)"]),
            ("CProcessorCheck/ProcessorCheck.c", ["-mgeneral-regs-only"]),
            ("CJPEG/CJPEG.c", libraries),
        ] {
            try await ARMCompiler.compile(["\(sources)/\(source)"], options + ["-c", "-o", "/dev/null"])
        }
    }

    /// Each shim is compiled in a file that includes nothing else.
    @Test func everyShimCompiles() async throws {
        let sources = "\(ARMCompiler.root)/Sources"
        let shims = try FileManager.default.contentsOfDirectory(atPath: sources).filter {
            FileManager.default.fileExists(atPath: "\(sources)/\($0)/shim.h")
        }
        #expect(shims.contains("CProcessor") && shims.count >= 9)
        for shim in shims {
            let options =
                try await ARMCompiler.librariesOptions() + ["-include", "\(sources)/\(shim)/shim.h"]
            try await ARMCompiler.compile(["/dev/null"], options + ["-x", "c", "-c", "-o", "/dev/null"])
        }
    }

    /// Checks the instructions that a plain C expression does not compile to.
    @Test func theShimsBecomeInstructionsOfARM() async throws {
        let assembly = try await ARMCompiler.compile(
            [ARMCompiler.program], ["-march=armv8.2-a", "-S", "-o", "-"])
        for instruction in ["crc32cx", "stnp", "dmb\tishst", "isb", "prfm\tpldl1keep"] {
            #expect(assembly.contains("\t\(instruction)"), "\(instruction)")
        }
    }

    @Test(
        .enabled(if: ARMCompiler.emulator.isThere, "needs Debian's qemu-user-static"),
        arguments: architectures)
    func aProgramStartsBehindTheCheck(architecture: String) async throws {
        try await withTemporaryFolder { folder in
            let sources = "\(ARMCompiler.root)/Sources"
            let check = "\(folder)/check.o"
            try await ARMCompiler.compile(
                ["\(sources)/CProcessorCheck/ProcessorCheck.c"], ["-mgeneral-regs-only", "-c", "-o", check])
            let program = "\(folder)/program"
            try await ARMCompiler.compile(
                ["\(sources)/CBuildFeatures/BuildFeatures.c", ARMCompiler.program, check],
                ["-march=\(architecture)", "-static", "-o", program])
            let outcome = try await ARMCompiler.emulator.run([program])
            #expect(outcome.exitCode == 0, "\(outcome.standardError)")
            let crc = architecture == "armv8-a" ? "0, check value 00000000" : "1, check value E3069283"
            #expect(
                outcome.standardOutput == """
                    build features 0, CRC-32C instruction \(crc), wrong pair products 0, wrong stores 0

                    """)
        }
    }
}
