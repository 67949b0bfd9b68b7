/// The shape of a batch of activations, `[N, positions, C]`.
package struct MapShape: Sendable {
    /// `N`.
    package let sampleCount: Int
    /// `C`.
    package let channels: Int
    /// Height times width.
    package let positions: Int

    package init(sampleCount: Int, channels: Int, positions: Int) {
        self.sampleCount = sampleCount
        self.channels = channels
        self.positions = positions
    }

    /// Elements of one sample.
    var sampleSize: Int { positions * channels }
    /// Elements of the batch.
    package var count: Int { sampleCount * sampleSize }

    /// Stops the program if the channels do not fill whole vectors.
    func checkChannels() {
        precondition(
            channels.isMultiple(of: vectorWidth), "\(channels) channels, no multiple of \(vectorWidth)")
    }
}
