import Datasets
import Foundation

/// Images decoded by Pillow; see `Tests/Fixtures/make_decoded_images.py`.
struct DecodedImages: Decodable {
    struct Small: Decodable {
        var name: String
        var file: Data
        var width: Int
        var height: Int
        var checksum: String
    }

    struct Shared: Decodable {
        var archive: String
        var name: String
        var width: Int
        var height: Int
        var checksum: String
    }

    var cmyk: Data
    var small: [Small]
    var shared: [Shared]

    static let all: DecodedImages = {
        let path = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "Fixtures/decoded_images.json")
        do {
            return try JSONDecoder().decode(DecodedImages.self, from: Data(contentsOf: path))
        } catch {
            preconditionFailure("\(path.path): \(error)")
        }
    }()

    /// The bytes of the small image file with this name.
    static func file(_ name: String) -> [UInt8] {
        guard let found = all.small.first(where: { $0.name == name }) else {
            preconditionFailure("no fixture named \(name)")
        }
        return [UInt8](found.file)
    }
}

/// The folder of real image sets, if they are available.
enum SharedData {
    static let path: String = {
        if let path = ProcessInfo.processInfo.environment["T2FNORM_DATA"] { return path }
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        return root.appending(path: "../shared/data").standardizedFileURL.path
    }()

    static var isThere: Bool { FileManager.default.fileExists(atPath: "\(path)/README.md") }
}
