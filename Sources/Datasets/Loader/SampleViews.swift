/// The order of samples if each image has several views: microbatch by microbatch, first the first
/// views of the microbatch's images, then their second views, and so on.
///
/// A microbatch thus holds all samples of its images, so the microbatches, their ranks and the
/// reduction tree are the same as without views.
package struct SampleViews: Sendable {
    /// Images in the rank's part of a batch, which starts at a microbatch boundary.
    package let imageCount: Int
    /// Images in a microbatch.
    package let microbatchSize: Int
    /// Views of each image.
    package let views: Int

    package init(imageCount: Int, microbatchSize: Int, views: Int) {
        precondition(microbatchSize >= 1 && views >= 1, "\(views) views of microbatches of \(microbatchSize)")
        self.imageCount = imageCount
        self.microbatchSize = microbatchSize
        self.views = views
    }

    package var sampleCount: Int { imageCount * views }

    /// The image and the view of a sample, both counted from 0.
    package func place(of sample: Int) -> (image: Int, view: Int) {
        let start = sample / (microbatchSize * views) * microbatchSize
        let count = min(microbatchSize, imageCount - start)
        let offset = sample - start * views
        return (start + offset % count, offset / count)
    }
}
