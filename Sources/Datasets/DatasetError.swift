internal import Workers

/// Why a dataset, or a source of images for one, could not be read or written: one line.
public struct DatasetError: Error, Equatable, Codable, Sendable, CustomStringConvertible {
    /// What was tried, as in "could not *decode image*".
    public var action: String
    /// The file, and the line, record or place in an archive.
    public var place: String
    public var reason: String
    /// What to do, where that is not plain.
    public var remedy: String?
    /// Whether the system and not the data is at fault: there is no descriptor or thread left, or the disk or its server does not answer.
    public var isSystemFault: Bool

    public init(
        action: String, place: String, reason: String, remedy: String? = nil, isSystemFault: Bool = false
    ) {
        self.action = action
        self.place = place
        self.reason = reason
        self.remedy = remedy
        self.isSystemFault = isSystemFault
    }

    init(_ error: ThreadError, place: String) {
        self.init(
            action: "start its threads", place: place, reason: "\(error)", isSystemFault: true)
    }

    public var description: String {
        "could not \(action), \(place): \(reason)" + (remedy.map { "; \($0)" } ?? "")
    }
}
