import Foundation
import TestSupport
import Testing

/// A Python interpreter with PyTorch, in the venv of `tools/compare-pytorch` or of
/// `T2FNORM_TORCH_VENV`.
enum TorchPython {
    private static let venv: String = {
        let environment = ProcessInfo.processInfo.environment
        let cache = environment["XDG_CACHE_HOME"] ?? "\(environment["HOME"] ?? "")/.cache"
        return environment["T2FNORM_TORCH_VENV"] ?? "\(cache)/t2fnorm/torch"
    }()

    /// Whether PyTorch and NumPy are installed, which the fixtures' scripts need.
    static let isThere = has("torch") && has("numpy")

    static let hasTorchvision = isThere && has("torchvision")

    private static func has(_ package: String) -> Bool {
        let versions = (try? FileManager.default.contentsOfDirectory(atPath: "\(venv)/lib")) ?? []
        return versions.contains {
            FileManager.default.fileExists(atPath: "\(venv)/lib/\($0)/site-packages/\(package)")
        }
    }

    /// Runs a script of `Tests/Fixtures`, which must succeed, and returns its standard output.
    @discardableResult
    static func run(_ script: String, _ arguments: [String]) async throws -> String {
        let path = packageRoot.appending(path: "Tests/Fixtures/\(script)").path
        let outcome = try await Command(URL(filePath: "\(venv)/bin/python"), [path] + arguments).run()
        try #require(outcome.exitCode == 0, "\(outcome.standardError)")
        return outcome.standardOutput
    }
}
