package import Foundation

/// Images decoded by Pillow; see `Tests/Fixtures/make_decoded_images.py`.
package struct DecodedImages: Decodable {
    package struct Small: Decodable {
        package var name: String
        package var file: Data
        package var width: Int
        package var height: Int
        package var checksum: String
    }

    package struct Shared: Decodable {
        package var archive: String
        package var name: String
        package var width: Int
        package var height: Int
        package var checksum: String
    }

    package var cmyk: Data
    package var small: [Small]
    package var shared: [Shared]

    package static let all: DecodedImages = {
        let path = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "Fixtures/decoded_images.json")
        do {
            return try JSONDecoder().decode(DecodedImages.self, from: Data(contentsOf: path))
        } catch {
            preconditionFailure("\(path.path): \(error)")
        }
    }()

    /// The bytes of the small image file with this name.
    package static func file(_ name: String) -> [UInt8] {
        guard let found = all.small.first(where: { $0.name == name }) else {
            preconditionFailure("no fixture named \(name)")
        }
        return [UInt8](found.file)
    }
}

/// The folder of real image sets, if they are available.
package enum SharedData {
    package static let path: String = {
        if let path = ProcessInfo.processInfo.environment["T2FNORM_DATA"] { return path }
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        return root.appending(path: "../shared/data").standardizedFileURL.path
    }()

    package static var isThere: Bool { FileManager.default.fileExists(atPath: "\(path)/README.md") }
}
