internal import Foundation
internal import Synchronization

/// Datagrams between ranks, over UDP and IPv4.
final class DatagramSocket: Sendable {
    /// The destination of a datagram.
    struct Address: Equatable, Sendable {
        /// In network byte order.
        var host: UInt32
        /// In host byte order.
        var port: UInt16
    }

    private let descriptor: Int32
    /// In host byte order.
    let port: UInt16

    /// Opens a socket on a free port of all addresses; `nil` if the system refuses.
    init?() {
        let descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
        guard descriptor >= 0 else { return nil }
        // A child process must not keep the port.
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        var name = sockaddr_in()
        name.sin_family = sa_family_t(AF_INET)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = unsafe withUnsafeMutablePointer(to: &name) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                unsafe bind(descriptor, address, length) == 0
                    && getsockname(descriptor, address, &length) == 0
            }
        }
        guard isBound else {
            close(descriptor)
            return nil
        }
        self.descriptor = descriptor
        port = UInt16(bigEndian: name.sin_port)
    }

    deinit { close(descriptor) }

    /// Sends a datagram without waiting; it may be lost.
    func send(_ bytes: [UInt8], to address: Address) {
        var name = sockaddr_in()
        name.sin_family = sa_family_t(AF_INET)
        name.sin_addr.s_addr = address.host
        name.sin_port = address.port.bigEndian
        unsafe withUnsafePointer(to: &name) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { to in
                unsafe bytes.withUnsafeBytes { bytes in
                    _ = unsafe sendto(
                        descriptor, bytes.baseAddress, bytes.count, Int32(MSG_DONTWAIT), to,
                        socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
        }
    }

    /// The next datagram, cut to 256 bytes; `nil` if none arrives in time.
    func receive(milliseconds: Int32) -> [UInt8]? {
        var request = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        guard unsafe poll(&request, 1, milliseconds) > 0 else { return nil }
        var bytes = [UInt8](repeating: 0, count: 256)
        let count = unsafe bytes.withUnsafeMutableBytes {
            unsafe recv(descriptor, $0.baseAddress, $0.count, Int32(MSG_DONTWAIT))
        }
        return count >= 0 ? Array(bytes.prefix(count)) : nil
    }

    /// 127.0.0.1.
    static let loopback = UInt32(0x7f00_0001).bigEndian

    /// This host's IPv4 addresses except 127.0.0.1, in network byte order.
    static func hostAddresses() -> [UInt32] {
        var list: UnsafeMutablePointer<ifaddrs>?
        guard unsafe getifaddrs(&list) == 0 else { return [] }
        defer { unsafe freeifaddrs(list) }
        var addresses: [UInt32] = []
        var next = unsafe list
        while let entry = unsafe next {
            unsafe next = unsafe entry.pointee.ifa_next
            guard let address = unsafe entry.pointee.ifa_addr,
                unsafe address.pointee.sa_family == sa_family_t(AF_INET)
            else { continue }
            let host = unsafe address.withMemoryRebound(to: sockaddr_in.self, capacity: 1) {
                unsafe $0.pointee.sin_addr.s_addr
            }
            if host != loopback { addresses.append(host) }
        }
        return addresses
    }
}
