package import Files
internal import Foundation
internal import Kernels
package import Software

/// `metrics.jsonl`: one JSON object per line, for each start of a job, each update, each epoch, each
/// checkpoint and each measured convolution.
///
/// Lines are in order, except that a checkpoint's line is written when the file is on the disk.
/// Lines of updates contain nothing that depends on the machine, so two runs of one configuration
/// have the same ones.
package final class EventLog {
    private struct Line<Report: Encodable>: Encodable {
        let event: String
        let report: Report

        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: Key.self)
            try container.encode(event, forKey: .event)
            try report.encode(to: encoder)
        }

        enum Key: CodingKey { case event }
    }

    /// A convolution's line; like every line it contains the update after which it was written.
    private struct MeasurementLine: Encodable {
        let step = 0
        let measurement: ConvolutionMeasurement
    }

    /// The first line of a job.
    private struct StartLine: Encodable {
        /// Updates made before.
        let step: Int
        let software: SoftwareRecord
    }

    private struct Position: Decodable {
        let step: Int
    }

    private let path: String
    private let file: FileHandle
    private let encoder = JSONEncoder()

    /// Opens the log to continue after update `step`: drops the lines of later updates, or all
    /// lines if `step` is 0. The job's first line says what software it runs; without `software`, for
    /// a run with nothing left to do, there is none.
    ///
    /// A line that cannot be parsed is kept if the lines before it are kept; an incomplete last
    /// line, left by a killed process, is dropped.
    ///
    /// - Throws: If the log cannot be written, or an existing one cannot be read.
    package init(path: String, afterStep step: Int, software: SoftwareRecord?) throws(FileError) {
        encoder.outputFormatting = .sortedKeys
        self.path = path
        do {
            var kept = try Self.content(of: path, upToStep: step)
            if let software {
                let start = Line(event: "start", report: StartLine(step: step, software: software))
                kept += try encoder.encode(start) + Data("\n".utf8)
            }
            try replaceFile(at: path) { [kept] in try kept.write(to: URL(filePath: $0)) }
            file = try FileHandle(forWritingTo: URL(filePath: path))
            try file.seekToEnd()
        } catch {
            throw FileError(path: path, error)
        }
    }

    deinit { try? file.close() }

    /// Appends the lines of an event, if it has any.
    package func record(_ event: TrainingEvent) throws(FileError) {
        switch event {
        case .step(let report): try append(Line(event: "step", report: report))
        case .epoch(let report): try append(Line(event: "epoch", report: report))
        case .convolutions(let report):
            for measurement in report.measurements {
                try append(Line(event: "convolution", report: MeasurementLine(measurement: measurement)))
            }
        case .checkpoint(let report): try append(Line(event: "checkpoint", report: report))
        case .started, .notice, .stopped, .reachedStop, .alreadyFinished: return
        }
    }

    private func append(_ line: some Encodable) throws(FileError) {
        do {
            let bytes = try encoder.encode(line) + Data("\n".utf8)
            try FileWait.during(path) { try file.write(contentsOf: bytes) }
        } catch {
            throw FileError(path: path, error)
        }
    }

    /// Whether there is a log with lines of updates after `step`.
    static func reaches(beyond step: Int, path: String) -> Bool {
        guard let bytes = try? contents(of: path) else { return false }
        return bytes.split(separator: newline).contains { self.step(of: $0).map { $0 > step } ?? false }
    }

    private static let newline = UInt8(ascii: "\n")

    /// The complete lines of a log up to update `step`, with unchanged bytes.
    private static func content(of path: String, upToStep step: Int) throws -> Data {
        guard step > 0, let bytes = try contents(of: path).map({ Data($0) }) else { return Data() }
        var kept = Data(capacity: bytes.count)
        var isKept = true
        for line in bytes.split(separator: newline) {
            let lineStep = self.step(of: line)
            let isWhole = line.endIndex < bytes.endIndex || lineStep != nil
            isKept = lineStep.map { $0 <= step } ?? isKept
            guard isKept && isWhole else { continue }
            kept.append(line)
            kept.append(newline)
        }
        return kept
    }

    /// The update after which a line was written; `nil` if the line does not contain it. Bytes that
    /// are not UTF-8 are tolerated.
    private static func step(of line: some Collection<UInt8>) -> Int? {
        let text = String(decoding: line, as: UTF8.self)
        return (try? JSONDecoder().decode(Position.self, from: Data(text.utf8)))?.step
    }
}
