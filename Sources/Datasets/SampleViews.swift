/// The samples that several views of each image are: lane by lane, the first views of the lane's images, then their second ones.
///
/// So a lane holds all samples of its images, and lanes, their owners and the tree are those of the images.
package struct SampleViews: Sendable {
    /// Images of the rank's part of a batch, which begins with a lane.
    package let imageCount: Int
    /// Images in a lane.
    package let laneSize: Int
    /// Views of each image.
    package let views: Int

    package init(imageCount: Int, laneSize: Int, views: Int) {
        precondition(laneSize >= 1 && views >= 1, "\(views) views of lanes of \(laneSize)")
        self.imageCount = imageCount
        self.laneSize = laneSize
        self.views = views
    }

    package var sampleCount: Int { imageCount * views }

    /// Which view of which image a sample is, both counted from 0.
    package func place(of sample: Int) -> (image: Int, view: Int) {
        let start = sample / (laneSize * views) * laneSize
        let count = min(laneSize, imageCount - start)
        let offset = sample - start * views
        return (start + offset % count, offset / count)
    }
}
