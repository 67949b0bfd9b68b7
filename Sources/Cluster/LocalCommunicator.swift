internal import Foundation

/// A world of one rank, without MPI.
package final class LocalCommunicator: Communicator {
    package let rank = 0
    package let worldSize = 1
    package let localRank = 0
    package let localSize = 1
    package let hostName = nameOfThisHost()

    package let exchangeCount = 0

    package init() {}

    package func treeSum(_ values: inout MutableSpan<Float>) {}
    package func treeSum(_ values: inout MutableSpan<Double>) {}
    package func treeSum(_ values: inout MutableSpan<Int64>) {}
    package func librarySum(_ values: inout MutableSpan<Float>) {}

    package func duplicate() -> any Communicator { self }

    package func broadcast<Element: MessageElement>(
        _ values: inout MutableSpan<Element>, from root: Int
    ) {
        precondition(root == 0, "broadcast from rank \(root) of 1")
    }

    package func allGather<Element: MessageElement>(_ values: Span<Element>, counts: [Int]) -> [Element] {
        precondition(counts == [values.count], "\(values.count) values announced as \(counts)")
        var all = [Element](repeating: .zero, count: values.count)
        for i in values.indices { all[i] = values[i] }
        return all
    }

    package func maximum(_ value: Int) -> Int { value }

    package func barrier() {}

    package func finish() {}

    package func abort(exitCode: Int32, report: () -> Void) -> Never {
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
