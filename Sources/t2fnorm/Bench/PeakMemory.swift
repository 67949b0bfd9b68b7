import Foundation

/// The most resident memory that this process has had.
enum PeakMemory {
    /// `VmHWM` of `/proc/self/status`, which unlike `getrusage` starts anew with the program; 0 where there is none.
    static var byteCount: Int {
        let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
        let line = status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
        let kibibytes = line?.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Int($0) }
        return (kibibytes ?? 0) * 1024
    }
}
