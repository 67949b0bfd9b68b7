package import SystemPackage

/// The image file formats that can be read.
package enum ImageFormat: CaseIterable {
    case jpeg, png, webP

    /// Detects the format from a file's first bytes; `nil` for any other.
    package init?(_ bytes: [UInt8]) {
        if bytes.starts(with: [0xFF, 0xD8, 0xFF]) {
            self = .jpeg
        } else if bytes.starts(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]) {
            self = .png
        } else if bytes.count >= 12, bytes.starts(with: "RIFF".utf8), bytes[8..<12].elementsEqual("WEBP".utf8)
        {
            self = .webP
        } else {
            return nil
        }
    }

    /// Detects the format from a file's extension; `nil` for any other.
    package init?(endingOf path: FilePath) {
        let ending = path.extension?.lowercased() ?? ""
        guard let format = Self.allCases.first(where: { $0.endings.contains(ending) }) else { return nil }
        self = format
    }

    private var endings: [String] {
        switch self {
        case .jpeg: ["jpg", "jpeg"]
        case .png: ["png"]
        case .webP: ["webp"]
        }
    }
}

/// Whether a file has the extension of an image format that can be read.
package func hasImageEnding(_ path: FilePath) -> Bool { ImageFormat(endingOf: path) != nil }
