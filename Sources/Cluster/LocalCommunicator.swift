internal import Foundation

/// A world of one rank, without MPI.
public final class LocalCommunicator: Communicator {
    public let rank = 0
    public let worldSize = 1
    public let localRank = 0
    public let localSize = 1
    public let hostName = nameOfThisHost()

    public let exchangeCount = 0

    public init() {}

    public func treeSum(_ values: inout MutableSpan<Float>) {}
    public func treeSum(_ values: inout MutableSpan<Double>) {}
    public func treeSum(_ values: inout MutableSpan<Int64>) {}
    public func librarySum(_ values: inout MutableSpan<Float>) {}

    public func duplicate() -> any Communicator { self }

    public func broadcast<Element: MessageElement>(
        _ values: inout MutableSpan<Element>, from root: Int
    ) {
        precondition(root == 0, "broadcast from rank \(root) of 1")
    }

    public func allGather<Element: MessageElement>(_ values: Span<Element>, counts: [Int]) -> [Element] {
        precondition(counts == [values.count], "\(values.count) values announced as \(counts)")
        var all = [Element](repeating: .zero, count: values.count)
        for i in values.indices { all[i] = values[i] }
        return all
    }

    public func maximum(_ value: Int) -> Int { value }

    public func barrier() {}

    public func finish() {}

    public func abort(exitCode: Int32, report: () -> Void) -> Never {
        report()
        exit(exitCode)
    }
}

/// The name of this host, without a network look-up.
func nameOfThisHost() -> String {
    var name = [UInt8](repeating: 0, count: 256)
    let status = unsafe name.withUnsafeMutableBytes { bytes in
        unsafe gethostname(bytes.baseAddress!.assumingMemoryBound(to: CChar.self), bytes.count - 1)
    }
    return status == 0 ? String(decoding: name.prefix { $0 != 0 }, as: UTF8.self) : "localhost"
}
