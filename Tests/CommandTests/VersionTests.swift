import Foundation
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(30))) struct VersionTests {
    @Test func theVersionNamesProgramBuildAndLibraries() async throws {
        let outcome = try await Command(Command.product("t2fnorm"), ["--version"]).run()
        #expect(outcome.exitCode == 0 && outcome.standardError.isEmpty, "\(outcome.standardError)")
        let lines = outcome.standardOutput.split(separator: "\n").map(String.init)
        let patterns: [Regex<Substring>] = [
            /t2fnorm [0-9]+\.[0-9]+\.[0-9]+(?:-dev)?/, /commit (?:[0-9a-f]{12}(?:-dirty)?|unknown)/,
            /built for (?:x86-64|arm64).*/, /Swift [0-9.]+/, /HDF5 [0-9]+\.[0-9]+\.[0-9]+/,
            /MPI .*[0-9]\.[0-9].*/,
            /OpenBLAS [0-9]+\.[0-9]+\.[0-9]+/, /libarchive [0-9]+\.[0-9]+\.[0-9]+/,
            /libjpeg-turbo [0-9]+\.[0-9]+\.[0-9]+/, /libwebp [0-9]+\.[0-9]+\.[0-9]+/,
        ]
        #expect(lines.count == patterns.count)
        for (line, pattern) in zip(lines, patterns) {
            #expect(line.wholeMatch(of: pattern) != nil, "\(line)")
        }
    }
}
