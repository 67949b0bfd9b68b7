public import Files
internal import Foundation
internal import Kernels

/// `metrics.jsonl`: one JSON object a line for each update, each epoch, each checkpoint and each measured convolution.
///
/// They are in order, but for a checkpoint's line, which comes when it is on the disk. Lines of updates hold nothing that depends on the machine, so two runs of one configuration have the same ones.
public final class EventLog {
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

    /// A convolution's line, which like every line says after which update it was written.
    private struct MeasurementLine: Encodable {
        let step = 0
        let measurement: ConvolutionMeasurement
    }

    private struct Position: Decodable {
        let step: Int
    }

    private let path: String
    private let file: FileHandle
    private let encoder = JSONEncoder()

    /// Opens the log to go on after update `step`: what was logged of later ones is dropped; after 0, everything.
    public init(path: String, afterStep step: Int) throws(FileError) {
        encoder.outputFormatting = .sortedKeys
        self.path = path
        do {
            try writeFile(Self.lines(of: path, upToStep: step).map { $0 + "\n" }.joined(), to: path)
            file = try FileHandle(forWritingTo: URL(filePath: path))
            try file.seekToEnd()
        } catch {
            throw FileError(path: path, error)
        }
    }

    deinit { try? file.close() }

    /// Adds what an event has to say, if anything.
    public func record(_ event: TrainingEvent) throws(FileError) {
        switch event {
        case .step(let report): try append(Line(event: "step", report: report))
        case .epoch(let report): try append(Line(event: "epoch", report: report))
        case .convolutions(let report):
            for measurement in report.measurements {
                try append(Line(event: "convolution", report: MeasurementLine(measurement: measurement)))
            }
        case .checkpoint(let report): try append(Line(event: "checkpoint", report: report))
        case .started, .notice, .stopped: return
        }
    }

    private func append(_ line: some Encodable) throws(FileError) {
        do {
            try file.write(contentsOf: try encoder.encode(line) + Data("\n".utf8))
        } catch {
            throw FileError(path: path, error)
        }
    }

    private static func lines(of path: String, upToStep step: Int) -> [String] {
        guard step > 0, let text = try? String(contentsOfFile: path, encoding: .utf8) else { return [] }
        return text.split(separator: "\n").map(String.init).filter { line in
            guard let position = try? JSONDecoder().decode(Position.self, from: Data(line.utf8)) else {
                return false
            }
            return position.step <= step
        }
    }
}
