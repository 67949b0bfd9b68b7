internal import Foundation
package import Testing

extension Trait where Self == ConditionTrait {
    /// Leaves a test or suite that takes more than a second of a core out of `launch/test --quick`.
    ///
    /// Tests without the mark belong to the inner loop, so a new test does, too.
    package static var slow: Self {
        .disabled(if: isQuickRun, "slow: not among the quick tests")
    }
}

private let isQuickRun = ProcessInfo.processInfo.environment["T2FNORM_QUICK"] != nil
