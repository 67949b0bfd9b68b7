package import Kernels
package import Networks

/// A convolution shape, and the networks with layers of this shape.
package struct ConvolutionLayer {
    package let shape: ConvolutionShape
    /// Images in a timed batch.
    package let images: Int
    /// How many layers of each network have the shape.
    fileprivate(set) var counts: [NetworkName: Int]

    /// Such as `3x3 64-128 at 32x32 by 2`: kernel, channels in and out, size of the input, stride.
    package var name: String {
        let step = shape.stride == 1 ? "" : " by \(shape.stride)"
        return """
            \(shape.kernel)x\(shape.kernel) \(shape.channels)-\(shape.outputChannels) at \
            \(shape.height)x\(shape.width)\(step)
            """
    }

    /// Operations of a pass over the images by direct convolution, two per multiply-accumulate.
    package var operations: Double { 2 * Double(images) * Double(shape.multiplyAccumulates) }

    /// Every distinct shape of `networks`, in the order of first occurrence.
    ///
    /// - Parameters:
    ///   - images: Images in a timed batch; by default 32 for networks of 224×224 images, else 128.
    ///   - imageSize: Height and width of the images, if not those of the networks.
    package static func all(
        of networks: [NetworkName], images: Int?, imageSize: Int? = nil
    ) -> [ConvolutionLayer] {
        var layers: [ConvolutionLayer] = []
        var places: [ConvolutionShape: Int] = [:]
        for network in networks {
            for shape in network.convolutionShapes(imageSize: imageSize ?? network.imageSize) {
                let place = places[shape] ?? layers.count
                if place == layers.count {
                    places[shape] = place
                    layers.append(
                        ConvolutionLayer(
                            shape: shape, images: images ?? (network.imageSize == 224 ? 32 : 128), counts: [:]
                        ))
                }
                layers[place].counts[network, default: 0] += 1
            }
        }
        return layers
    }
}
