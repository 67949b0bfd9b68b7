internal import Cluster
internal import Inference

/// Whether a record belongs to a fixed tenth of its set. The choice depends on the record's index
/// alone (Knuth's multiplicative hash), so it is the same for every number of ranks.
func isInTenth(_ place: Int) -> Bool {
    UInt32(truncatingIfNeeded: place) &* 2_654_435_761 < UInt32.max / 10
}

extension FitContext {
    /// The index in the training set of the rank's first record. Collective.
    func firstTrainingPlace() throws(MPIError) -> Int {
        let own = [Int64(training.count)]
        return try communicator.allGather(own.span)[..<communicator.rank].reduce(0) { $0 + Int($1) }
    }
}
