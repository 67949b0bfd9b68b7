import Foundation
import Pickle

/// Pickles written by Python; see `Tests/Fixtures/make_pickles.py`.
struct PickleFixtures: Decodable {
    /// By the protocol's number, as text.
    var mixed: [String: Data]
    var ordered: [String: Data]
    var arrays: [String: Data]
    var scalars: [String: Data]
    var python2: Data
    var longInteger: Data

    static let all: PickleFixtures = {
        let path = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "Fixtures/pickles.json")
        do {
            return try JSONDecoder().decode(PickleFixtures.self, from: Data(contentsOf: path))
        } catch {
            preconditionFailure("\(path.path): \(error)")
        }
    }()
}

/// The description of the error that `body` throws; empty if it does not throw.
func message(_ body: () throws -> Void) -> String {
    do {
        try body()
        return ""
    } catch {
        return "\(error)"
    }
}
