import Evaluation
import Foundation
import TestSupport
import Testing
import Training

/// Files in a run's folder that someone else may have written.
@Suite(.timeLimit(.minutes(30))) struct HostileRunTests {
    private func write(_ text: String, _ path: String) throws {
        let file = URL(filePath: path)
        try FileManager.default.createDirectory(
            at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: file)
    }

    @Test(arguments: ["../../x", "/etc/passwd", "..", ".", "", "a/b.h5"])
    func theNewestCheckpointIsAFileOfItsFolder(name: String) throws {
        try withTemporaryFolder { folder in
            let path = "\(folder)/checkpoints/latest"
            try write("step-00000007.h5\n", path)
            let run = RunDirectory(path: folder)
            #expect(try run.checkpointPath("latest") == "\(folder)/checkpoints/step-00000007.h5")
            try write("\(name)\n", path)
            let error = #expect(throws: (any Error).self) { try run.checkpointPath("latest") }
            #expect("\(try #require(error))".contains("it names '\(name)', expected a file of its folder"))
        }
    }

    /// The tables of a record are printed by their rows and columns.
    @Test func aRecordWithoutAValueForEachColumnIsNotTaken() throws {
        try withTemporaryFolder { folder in
            let values = Array(repeating: "1", count: 5)
            func record(_ rows: [String], _ values: [[String]]) -> String {
                let table =
                    #"{"task":"ood","score":"msp","rows":["# + rows.map { "\"\($0)\"" }.joined(separator: ",")
                    + #"],"values":["#
                    + values.map { "[\($0.joined(separator: ","))]" }.joined(separator: ",")
                    + "]}"
                return
                    #"{"benchmark":"b","checkpoint":"c","weights":"w","preprocessing":"p","datasets":{},"remarks":[],"tables":["#
                    + table + "]}"
            }
            let path = EvaluationRecord.path(run: folder, benchmark: "b")
            try write(record(["tin"], [values]), path)
            #expect(try EvaluationRecord(run: folder, benchmark: "b")?.tables.first?.rows == ["tin"])
            for (rows, values) in [
                (["tin", "svhn"], [values]), (["tin"], [Array(values.dropLast())]), (["tin"], [[]]),
                ([], [values]),
            ] {
                try write(record(rows, values), path)
                #expect(try EvaluationRecord(run: folder, benchmark: "b") == nil)
            }
        }
    }
}
