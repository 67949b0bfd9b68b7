import Foundation
import TestSupport
import Testing

/// The configuration defines the bits: not the processor, the build or the BLAS library.
@Suite(.serialized)
struct GoldenTests {
    /// `T2FNORM_WRITE_GOLDEN=1` writes the fixture anew, on purpose; the commit says why.
    @Test(arguments: OtherMachine.builds, OtherMachine.blasCores)
    func everyBuildMakesTheBitsThatWereCheckedIn(build: URL, core: String) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(
            path: "t2fnorm-golden-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        let found = try await GoldenRun(program: build, blasCore: core, folder: folder.path).bits()
        if ProcessInfo.processInfo.environment["T2FNORM_WRITE_GOLDEN"] == "1" { try found.save() }
        let differences = found.differences(from: try GoldenBits.load())
        #expect(differences == [], "\(build.path) with OPENBLAS_CORETYPE=\(core)")
    }
}
