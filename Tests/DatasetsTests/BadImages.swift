import Foundation

/// Image files that are odd or damaged; see `Tests/Fixtures/make_bad_images.py`.
struct BadImages: Decodable {
    struct Good: Decodable {
        var file: Data
        var width: Int
        var height: Int
        /// Checksum of Pillow's pixels.
        var checksum: String
    }

    var good: [String: Good]
    var bad: [String: Data]

    static let all: BadImages = {
        let path = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "Fixtures/bad_images.json")
        do {
            return try JSONDecoder().decode(BadImages.self, from: Data(contentsOf: path))
        } catch {
            preconditionFailure("\(path.path): \(error)")
        }
    }()

    static func bad(_ name: String) -> [UInt8] {
        guard let file = all.bad[name] else { preconditionFailure("no bad image named \(name)") }
        return [UInt8](file)
    }
}
