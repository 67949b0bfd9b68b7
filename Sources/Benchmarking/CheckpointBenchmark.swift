internal import Checkpoints
internal import Files
internal import Foundation
internal import Memory
package import Networks
internal import Numerics
internal import Training
internal import Workers

/// Times checkpoints of a network and plain files of the same length, in turn.
package struct CheckpointBenchmark {
    /// The times of one checkpoint, in seconds.
    package struct Round: Codable {
        /// Time that the snapshot would stall training.
        package let stallSeconds: Double
        package let makingSeconds: Double
        package let writingSeconds: Double
        package let checkingSeconds: Double
        /// From the snapshot to the update of `latest`.
        package let wholeSeconds: Double
        package let loadingSeconds: Double
        package let plainWritingSeconds: Double
        package let plainReadingSeconds: Double
    }

    package struct Report: Codable {
        package let network: String
        package let threads: Int
        package let byteCount: Int
        package let rounds: [Round]
        /// Median rate of writing relative to that of a plain file.
        package let writingShare: Double
        /// Median rate of loading relative to that of a plain file.
        package let loadingShare: Double
    }

    package let network: NetworkName
    package let folder: String
    package let threads: Int

    package init(network: NetworkName, folder: String, threads: Int) {
        self.network = network
        self.folder = folder
        self.threads = threads
    }

    package func run(rounds count: Int) throws -> Report {
        let scratch = "\(folder)/t2fnorm-bench-\(getpid())"
        try createFolder(scratch)
        defer { try? FileManager.default.removeItem(atPath: scratch) }
        let classifier = Classifier(
            network, head: .t2fnorm(temperature: 0.1), classes: network.imageSize == 224 ? 1000 : 10)
        classifier.parameters.initialize(seed: 0)
        let momentum = Buffer<Float>(count: classifier.parameters.parameterCount, repeating: 0.5)
        let pool = WorkerPool(threads: threads)
        let writer = try CheckpointWriter(
            Snapshot(of: classifier, slots: [.momentum], configuration: "", dataFingerprint: ""),
            to: CheckpointStore(folder: scratch, keep: 1))
        var rounds: [Round] = []
        var byteCount = 0
        for step in 0...count {
            let stall = ContinuousClock().measure {
                writer.write(isBest: false) { snapshot in
                    var position = TrainingPosition()
                    position.step = step
                    _ = snapshot.take(classifier.parameters, slots: momentum, position: position, on: pool)
                }
            }
            writer.wait()
            let outcome = writer.takeOutcomes()[0]
            let file = try outcome.result.get()
            byteCount = file.byteCount
            let loading = try seconds(reading: outcome.path) { _ = try CheckpointStore.load(outcome.path) }
            let plain = "\(scratch)/plain"
            let bytes = [UInt8](try Data(contentsOf: URL(filePath: outcome.path)))
            let plainWriting = try ContinuousClock().measure { try write(bytes, to: plain) }
            let plainReading = try seconds(reading: plain) { try readThrough(plain) }
            // The first round is not counted: it includes first touches of memory and of the disk.
            guard step > 0 else { continue }
            rounds.append(
                Round(
                    stallSeconds: stall.inSeconds, makingSeconds: file.makingTime.inSeconds,
                    writingSeconds: file.writingTime.inSeconds, checkingSeconds: file.checkingTime.inSeconds,
                    wholeSeconds: outcome.time.inSeconds, loadingSeconds: loading,
                    plainWritingSeconds: plainWriting.inSeconds, plainReadingSeconds: plainReading))
        }
        return Report(
            network: network.rawValue, threads: threads, byteCount: byteCount, rounds: rounds,
            writingShare: median(of: rounds.map { $0.plainWritingSeconds / $0.writingSeconds }),
            loadingShare: median(of: rounds.map { $0.plainReadingSeconds / $0.loadingSeconds }))
    }

    private func seconds(reading path: String, _ body: () throws -> Void) throws -> Double {
        try InputFile(opening: path).forgetCached()
        return try ContinuousClock().measure(body).inSeconds
    }

    /// Writes under a temporary name first, so that the file system allocates new blocks while the
    /// old file exists, as for a checkpoint.
    private func write(_ bytes: [UInt8], to path: String) throws {
        try replaceFile(at: path) { temporary in
            let file = try OutputFile(creating: temporary)
            try file.write(bytes)
            try file.close()
        }
    }

    private func readThrough(_ path: String) throws {
        let file = try InputFile(opening: path)
        var piece = [UInt8](repeating: 0, count: 8 << 20)
        for start in stride(from: 0, to: file.byteCount, by: piece.count) {
            let count = min(piece.count, file.byteCount - start)
            var whole = piece.mutableSpan
            var part = whole.part(0..<count)
            try file.read(at: start, into: &part)
        }
    }
}
