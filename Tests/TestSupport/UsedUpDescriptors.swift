internal import Foundation

/// Lowers the limit of descriptors to a little more than the number of open ones and opens files
/// until `spare` descriptors are left; for a process that ends with its test.
///
/// A child process of the tests inherits the descriptors that concurrent tests have open.
///
/// - Returns: The limit.
@discardableResult
package func useUpDescriptors(but spare: Int = 0) -> Int {
    let open = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? []
    let limit = (open.compactMap { Int($0) }.max() ?? 0) + 50
    var limits = rlimit()
    let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
    unsafe getrlimit(resource, &limits)
    limits.rlim_cur = rlim_t(limit)
    unsafe setrlimit(resource, &limits)
    var opened: [Int32] = []
    while true {
        let number = unsafe Foundation.open("/dev/null", O_RDONLY)
        guard number >= 0 else { break }
        opened.append(number)
    }
    precondition(opened.count > spare, "\(opened.count) descriptors were left")
    for number in opened.suffix(spare) { _ = close(number) }
    return limit
}
