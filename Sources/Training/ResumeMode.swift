/// What a run starts from.
public enum ResumeMode: Equatable, Sendable {
    /// The newest whole checkpoint of the run directory, or the beginning if there is none.
    case automatic
    /// The beginning, whatever there is.
    case never
    /// This file.
    case from(String)
}
