package import Foundation

/// Image files that are odd or damaged; see `Tests/Fixtures/make_bad_images.py`.
package struct BadImages: Decodable {
    package struct Good: Decodable {
        package var file: Data
        package var width: Int
        package var height: Int
        /// Checksum of Pillow's pixels.
        package var checksum: String
    }

    package var good: [String: Good]
    package var bad: [String: Data]

    package static let all: BadImages = {
        let path = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "Fixtures/bad_images.json")
        do {
            return try JSONDecoder().decode(BadImages.self, from: Data(contentsOf: path))
        } catch {
            preconditionFailure("\(path.path): \(error)")
        }
    }()

    package static func bad(_ name: String) -> [UInt8] {
        guard let file = all.bad[name] else { preconditionFailure("no bad image named \(name)") }
        return [UInt8](file)
    }
}
