import CBuildFeatures
import Foundation
import Software
import Testing

@Suite(.timeLimit(.minutes(30)))
struct SoftwareRecordTests {
    @Test func comesBackFromJSON() throws {
        let record = SoftwareRecord(libraries: ["HDF5": "1.10.8", "MPI": "Open MPI v4.1.4"])
        let json = try JSONEncoder().encode(record)
        #expect(try JSONDecoder().decode(SoftwareRecord.self, from: json) == record)
        #expect(record.version == softwareVersion)
        #expect(record.lines.suffix(2) == ["HDF5 1.10.8", "MPI Open MPI v4.1.4"])
    }

    /// The build recorded the commit and its compiler.
    @Test func factsOfTheBuildAreKnown() throws {
        let record = SoftwareRecord(libraries: [:])
        #expect(record.commit.contains(/^([0-9a-f]{12}(-dirty)?|unknown)$/), "\(record.commit)")
        #expect(record.compiler.contains(/^6\.[0-9.]+$/), "\(record.compiler)")
        #expect(record.processor.contains(/^(x86-64(-v[234])?|arm64)( |$)/), "\(record.processor)")
    }

    @Test func aProcessorIsItsLevelAndWhatIsBeyond() {
        func set(_ features: [processor_feature]) -> UInt64 {
            features.reduce(0) { $0 | 1 << UInt64($1.rawValue) }
        }
        let levels = (0..<Int32(FEATURE_COUNT.rawValue)).map { build_feature_level($0) }
        func upTo(_ level: Int32) -> UInt64 {
            levels.enumerated().filter { $0.element <= level }.reduce(0) { $0 | 1 << UInt64($1.offset) }
        }
        #expect(processorText(of: 0) == "x86-64")
        #expect(processorText(of: set([FEATURE_SSE3])) == "x86-64 sse3")
        #expect(processorText(of: upTo(2)) == "x86-64-v2")
        #expect(processorText(of: upTo(3) | set([FEATURE_GFNI])) == "x86-64-v3 gfni")
        #expect(processorText(of: upTo(4)) == "x86-64-v4")
    }
}
