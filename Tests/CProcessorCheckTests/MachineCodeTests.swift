import Foundation
import TestSupport
import Testing

/// The check's machine code, on x86-64.
@Suite(
    .enabled(
        if: Tool.objdump.isThere && Clang.isForThisProcessor,
        "needs x86-64 and llvm-objdump, which comes with Swift"), .timeLimit(.minutes(30)))
struct MachineCodeTests {
    @Test func theCheckUsesNoVectorRegister() async throws {
        let object = Command.product("CProcessorCheck.build/ProcessorCheck.c.o").path
        let code = try await Tool.objdump.output(["--disassemble", "--no-show-raw-insn", object])
        #expect(code.contains("cpuid") && code.contains("xgetbv"))
        let vectorLine = code.split(separator: "\n").first { $0.contains(/%[xyz]mm[0-9]+/) }
        #expect(vectorLine == nil)
    }

    /// The check is the first entry of the program's list of functions that run before `main`;
    /// those of its libraries run earlier.
    @Test(arguments: ["t2fnorm", "cluster-check"]) func theCheckIsTheProgramsFirstCode(product: String)
        async throws
    {
        let program = Command.product(product).path
        let sections = try await Tool.objdump.output(["--section-headers", program])
        let first = try #require(sections.firstMatch(of: /\.init_array +[0-9a-f]+ +([0-9a-f]+)/)?.1)
        let symbols = try await Tool.objdump.output(["--syms", program])
        let check = try #require(
            symbols.firstMatch(of: /([0-9a-f]+) l +F \.text\s+[0-9a-f]+ check_processor/)?.1)
        let relocations = try await Tool.objdump.output(["--dynamic-reloc", program])
        let line = try #require(relocations.split(separator: "\n").first { $0.hasPrefix(first) })
        let target = try #require(line.firstMatch(of: /R_X86_64_RELATIVE +\*ABS\*\+0x([0-9a-f]+)/)?.1)
        #expect(UInt64(target, radix: 16) == UInt64(check, radix: 16))
    }
}
