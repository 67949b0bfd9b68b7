public import Failures
package import Workers

/// Why a dataset, or a source of images for one, could not be read or written; described in one
/// line.
public struct DatasetError: CodedError, Equatable, Codable, Sendable {
    /// What could not be done, as in "could not *decode image*".
    public var action: String
    /// The file, with the line, record or position in an archive if there is one.
    public var place: String
    /// What is wrong, such as the system's error text.
    public var reason: String
    /// What to do, if that is not obvious.
    public var remedy: String?
    /// Whether the system and not the data is at fault: the process has no descriptors or threads
    /// left, or the disk or its server does not respond.
    public var isSystemFault: Bool

    /// An error of one action at one place.
    public init(
        action: String, place: String, reason: String, remedy: String? = nil, isSystemFault: Bool = false
    ) {
        self.action = action
        self.place = place
        self.reason = reason
        self.remedy = remedy
        self.isSystemFault = isSystemFault
    }

    package init(_ error: ThreadError, place: String) {
        self.init(
            action: "start its threads", place: place, reason: "\(error)", isSystemFault: true)
    }

    /// 3 (data), or 6 (environment) for a fault of the system.
    public var exitCode: Int32 { isSystemFault ? ExitCode.environment : ExitCode.data }

    /// `could not <action>, <place>: <reason>`, then the remedy; one line.
    public var description: String {
        "could not \(action), \(place): \(reason)" + (remedy.map { "; \($0)" } ?? "")
    }
}
