internal import Foundation

/// Leaves this process `spare` descriptors of `limit`; for a process that ends with its test.
public func useUpDescriptors(limit: Int, but spare: Int = 0) {
    var limits = rlimit()
    let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
    unsafe getrlimit(resource, &limits)
    limits.rlim_cur = rlim_t(limit)
    unsafe setrlimit(resource, &limits)
    var opened: [Int32] = []
    while true {
        let number = unsafe open("/dev/null", O_RDONLY)
        guard number >= 0 else { break }
        opened.append(number)
    }
    precondition(opened.count > spare, "\(opened.count) descriptors were left")
    for number in opened.suffix(spare) { _ = close(number) }
}
