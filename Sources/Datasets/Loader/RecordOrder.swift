/// The records of every step of a run, in order, to reproduce the same steps with another program.
package struct RecordOrder: Sendable {
    /// The records of one step.
    package struct Step: Equatable, Sendable {
        /// Counted from 1, over all epochs.
        package var step: Int
        /// Counted from 1.
        package var epoch: Int
        /// Counted from 0, in the order of the batch.
        package var records: [Int]

        /// A JSON object and a newline.
        package var line: String {
            let list = records.map(String.init).joined(separator: ",")
            return "{\"epoch\":\(epoch),\"records\":[\(list)],\"step\":\(step)}\n"
        }
    }

    private let sampler: Sampler
    private let batch: Int
    private let epochs: Int

    package init(_ sampler: Sampler, batch: Int, epochs: Int) {
        precondition(batch > 0 && epochs >= 0, "\(epochs) epochs in batches of \(batch)")
        self.sampler = sampler
        self.batch = batch
        self.epochs = epochs
    }

    /// Calls `body` with every step; the last step of an epoch may have fewer records.
    package func forEachStep(_ body: (Step) throws -> Void) rethrows {
        var step = 0
        for epoch in 0..<epochs {
            let order = sampler.order(epoch: epoch)
            for first in stride(from: 0, to: order.count, by: batch) {
                step += 1
                let records = (first..<min(first + batch, order.count)).map { order.record(at: $0) }
                try body(Step(step: step, epoch: epoch + 1, records: records))
            }
        }
    }
}
