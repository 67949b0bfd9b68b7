/// Why a dataset, or a source of images for one, could not be read or written: one line.
public struct DatasetError: Error, Equatable, Codable, Sendable, CustomStringConvertible {
    /// What was tried, as in "could not *decode image*".
    public var action: String
    /// The file, and the line, record or place in an archive.
    public var place: String
    public var reason: String
    /// What to do, where that is not plain.
    public var remedy: String?
    /// Whether the data are not at fault: there is no descriptor left to open a file with.
    public var isOutOfDescriptors: Bool

    public init(
        action: String, place: String, reason: String, remedy: String? = nil, isOutOfDescriptors: Bool = false
    ) {
        self.action = action
        self.place = place
        self.reason = reason
        self.remedy = remedy
        self.isOutOfDescriptors = isOutOfDescriptors
    }

    public var description: String {
        "could not \(action), \(place): \(reason)" + (remedy.map { "; \($0)" } ?? "")
    }
}
