internal import Files
internal import HDF5

extension DatasetError {
    /// Runs `body` and converts errors that it throws into a `DatasetError` at `place`.
    package static func wrapping<Result>(
        _ action: String, _ place: String, _ body: () throws -> Result
    ) throws(DatasetError) -> Result {
        do {
            return try body()
        } catch let error as DatasetError {
            throw error
        } catch let error as HDF5Error {
            let reason = error.object.map { "could not \(error.action) '\($0)': \(error.reason)" }
            throw DatasetError(
                action: action, place: place, reason: reason ?? error.reason,
                isSystemFault: error.isSystemFault)
        } catch let error as FileError {
            throw DatasetError(
                action: action, place: place, reason: error.reason,
                isSystemFault: error.isSystemFault)
        } catch {
            throw DatasetError(action: action, place: place, reason: "\(error)")
        }
    }
}
