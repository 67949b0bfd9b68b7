internal import Foundation

/// Runs `body` on a thread of its own and waits for it without holding a thread of the pool, which
/// other tests may keep busy for longer than a whole job takes.
package func onThread<Value: Sendable>(
    _ body: @escaping @Sendable () throws -> Value
) async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
        Thread.detachNewThread { continuation.resume(with: Result { try body() }) }
    }
}
