import Datasets
import Foundation
import RunConfiguration
import Testing

/// `data pack --openood` makes the sets that a benchmark's file requires.
@Suite(.timeLimit(.minutes(30)))
struct BenchmarkFilesTests {
    private static let shipped = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "../../configs/benchmarks").standardizedFileURL.path

    @Test(arguments: OpenOODBenchmark.names)
    func aPackedRootHasTheFoldersOfTheBenchmarksFile(name: String) throws {
        let packed = try OpenOODBenchmark(name)
        let file = try BenchmarkDefinition(file: "\(Self.shipped)/\(name).yml")
        #expect(file.name == packed.name)
        let sets: [(OpenOODBenchmark.Role, [BenchmarkDefinition.ImageSet])] = [
            (.train, [file.train].compactMap(\.self)), (.validation, [file.validation].compactMap(\.self)),
            (.oodValidation, [file.oodValidation].compactMap(\.self)), (.test, [file.test]),
            (.near, file.near), (.far, file.far), (.csid, file.csid),
        ]
        for (role, own) in sets {
            let theirs = packed.sets.filter { $0.role == role }
            #expect(own.map(\.folder) == theirs.map(\.name), "\(role)")
            #expect(own.map(\.count) == theirs.map(\.count), "\(role)")
            #expect(own.map(\.hash) == theirs.map(\.hash), "\(role)")
            #expect(own.map(\.isOptional) == theirs.map { $0.isOptional ?? false }, "\(role)")
        }
        #expect(sets.reduce(0) { $0 + $1.1.count } == packed.sets.count)
    }
}
