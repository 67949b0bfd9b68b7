import Foundation
import TestSupport

/// The compiler with 64-bit ARM as its target, on any machine.
enum ARMCompiler {
    static let emulator = Tool("qemu-aarch64-static")
    static let packages = "Debian's gcc-aarch64-linux-gnu and libc6-dev-arm64-cross"

    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("../..").standardized.path
    static let program = "\(root)/Tests/Fixtures/other_processor.c"

    /// Whether the C library and the linker for building a program are installed.
    static func isThere() async -> Bool {
        let probe = """
            echo '#include <stdlib.h>
            int main(void) { return abs(0); }' | \(compiler) -static -x c - -o /dev/null
            """
        let outcome = try? await Command(URL(fileURLWithPath: "/bin/sh"), ["-c", probe]).run()
        return outcome?.exitCode == 0
    }

    /// The output of the compiler for C `sources`; a warning is an error.
    @discardableResult
    static func compile(_ sources: [String], _ arguments: [String]) async throws -> String {
        try await Tool.clang.output(
            Array(options.dropFirst()) + arguments + includeFolders + sources)
    }

    /// Options with this machine's folders of library headers, which are searched after those of
    /// ARM's C library.
    static func librariesOptions() async throws -> [String] {
        let flags = try? await Tool("pkg-config").output([
            "--cflags-only-I", "ompi-c", "openblas", "hdf5-serial",
        ])
        let folders = (flags ?? "").split(whereSeparator: \.isWhitespace).map { String($0.dropFirst(2)) }
        let here = ["/usr/include", "/usr/include/\(machine)-linux-gnu"]
        return (folders + here).flatMap { ["-idirafter", $0] }
    }

    private static let options = [
        "clang", "--target=aarch64-linux-gnu", "-O2", "-Wall", "-Wextra", "-Werror",
    ]
    private static let compiler = options.joined(separator: " ")
    private static let includeFolders = ["CBuildFeatures", "CProcessorCheck", "CJPEG"].flatMap {
        ["-I", "\(root)/Sources/\($0)/include"]
    }

    #if arch(x86_64)
        private static let machine = "x86_64"
    #else
        private static let machine = "aarch64"
    #endif
}
