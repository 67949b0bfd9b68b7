/// A part of a run whose training images have one size.
package struct SizeStage: Codable, Equatable, Sendable, CustomStringConvertible {
    /// The last epoch of the stage, counted from 1.
    package var until: Int
    /// Height and width of the training images in pixels.
    package var size: Int

    package init(until: Int, size: Int) {
        self.until = until
        self.size = size
    }

    package var description: String { "{until: \(until), size: \(size)}" }
}
