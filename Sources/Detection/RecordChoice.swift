internal import Cluster

/// Whether a record is of a tenth of its set that is chosen by its place alone, whoever reads it: Knuth's multiplicative hash.
func isInTenth(_ place: Int) -> Bool {
    UInt32(truncatingIfNeeded: place) &* 2_654_435_761 < UInt32.max / 10
}

extension ScoreFit {
    /// The place in the training set of the rank's first record. Collective.
    func firstTrainingPlace() throws(MPIError) -> Int {
        let own = [Int64(training.count)]
        return try communicator.allGather(own.span)[..<communicator.rank].reduce(0) { $0 + Int($1) }
    }
}
