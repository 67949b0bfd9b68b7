/// The limits of a manifest's values: within them, values can be added and multiplied without
/// overflow and used as file names.
extension Manifest {
    /// Largest size of the manifest file in bytes: a shard takes 150 bytes, a class name about ten.
    static let largestByteCount = 256 << 20
    /// Maximum number of classes of a dataset: 16 million, four times as many as in the largest
    /// sets of faces.
    static let largestClassCount = 1 << 24
    /// Largest height or width of images stored as pixels.
    private static let largestSide = 1 << 24
    /// Largest size in bytes of one image stored as pixels.
    private static let largestImage = 1 << 31
    private static let longestName = 1024

    /// Whether `name` is a valid name of a file directly inside a folder.
    static func isFileName(_ name: String) -> Bool {
        !name.isEmpty && name != "." && name != ".." && name.utf8.count <= 255
            && !name.utf8.contains { $0 == UInt8(ascii: "/") || $0 == 0 }
    }

    /// Throws if the manifest contradicts itself or has values that no dataset can have.
    ///
    /// - Parameter path: The path of the manifest, for errors.
    func check(_ path: String, action: String = "read manifest") throws(DatasetError) {
        let problem = nameProblem ?? classProblem ?? layoutProblem ?? shardProblem ?? countProblem
        guard let problem else { return }
        throw DatasetError(
            action: action, place: path, reason: problem,
            remedy: action == "read manifest" ? "copy or pack the dataset again" : nil)
    }

    private var nameProblem: String? {
        guard name.utf8.count > Self.longestName else { return nil }
        return "name has \(name.utf8.count) bytes, expected at most \(Self.longestName)"
    }

    private var classProblem: String? {
        guard (0...Self.largestClassCount).contains(classCount) else {
            return "classCount is \(classCount), expected 0 to \(Self.largestClassCount)"
        }
        guard classNames.isEmpty || classNames.count == classCount else {
            return "classNames has \(classNames.count) names, classCount is \(classCount)"
        }
        return nil
    }

    private var layoutProblem: String? {
        guard case .pixels(let height, let width, let channels) = layout else { return nil }
        let sides = 1...Self.largestSide
        guard sides.contains(height), sides.contains(width), channels == 3,
            3 * height * width <= Self.largestImage
        else {
            return """
                layout is pixels of \(height)×\(width)×\(channels), expected a height and width from 1, 3 channels and at \
                most \(Self.largestImage) bytes
                """
        }
        return nil
    }

    private var shardProblem: String? {
        var names: Set<String> = []
        for (index, shard) in shards.enumerated() {
            let found = "the file of shard \(index) is '\(shard.file.prefix(80))'"
            guard Self.isFileName(shard.file), shard.file != Self.fileName else {
                return "\(found), expected the name of a file in the dataset's folder"
            }
            guard names.insert(shard.file).inserted else {
                return "\(found), the same as that of an earlier shard"
            }
            guard shard.count >= 1, shard.byteCount >= 1, fits(shard) else {
                return """
                    shard \(index) has \(shard.count) records in \(shard.byteCount) bytes, fewer than the records need
                    """
            }
            guard shard.checksum.utf8.count == 16, shard.checksum.allSatisfy(\.isHexDigit) else {
                return "the checksum of shard \(index) is not 16 hexadecimal digits"
            }
        }
        return nil
    }

    /// Whether a shard is large enough for its records: a four-byte label for each, and the pixels.
    private func fits(_ shard: Shard) -> Bool {
        var recordByteCount = 4
        if case .pixels(let height, let width, _) = layout { recordByteCount += 3 * height * width }
        let (needed, overflows) = shard.count.multipliedReportingOverflow(by: recordByteCount)
        return !overflows && needed <= shard.byteCount
    }

    private var countProblem: String? {
        guard let sum = Self.sum(shards.map(\.count)), Self.sum(shards.map(\.byteCount)) != nil else {
            return "the sum of its shards' record or byte counts overflows"
        }
        return sum == count && count > 0
            ? nil : "count is \(count), expected the shards' sum \(sum), above 0"
    }

    private static func sum(_ numbers: [Int]) -> Int? {
        var sum = 0
        for number in numbers {
            let (next, overflows) = sum.addingReportingOverflow(number)
            guard !overflows else { return nil }
            sum = next
        }
        return sum
    }
}
