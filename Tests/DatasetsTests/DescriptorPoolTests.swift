import DatasetPacking
import DatasetSamples
import Datasets
import Dispatch
import Foundation
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(30)))
struct DescriptorPoolTests {
    /// Files of 64 bytes, each filled with its number.
    private func files(_ count: Int, _ folder: String, _ pool: DescriptorPool) throws -> [PooledFile] {
        try (0..<count).map { number in
            let path = try write([UInt8](repeating: UInt8(number), count: 64), folder, "\(number)")
            return try PooledFile(path, pool: pool)
        }
    }

    private func isRead(_ file: PooledFile, _ number: Int) -> Bool {
        (try? file.read(at: 8, count: 16)) == [UInt8](repeating: UInt8(number), count: 16)
    }

    /// Whether this process has `file` open.
    private func isOpen(_ file: PooledFile) -> Bool {
        let folder = "/proc/self/fd"
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        let path = URL(filePath: file.path).resolvingSymlinksInPath().path
        return names.contains {
            (try? FileManager.default.destinationOfSymbolicLink(atPath: "\(folder)/\($0)")) == path
        }
    }

    @Test func theLeastRecentlyUsedFileIsClosedForAnotherAndOpensAgain() throws {
        try withTemporaryFolder { folder in
            let pool = DescriptorPool(limit: 2)
            let files = try files(3, folder, pool)
            #expect(pool.openCount == 0 && !files.contains { isOpen($0) })
            #expect(isRead(files[0], 0) && isRead(files[1], 1) && pool.openCount == 2)
            #expect(isRead(files[0], 0) && isRead(files[2], 2) && pool.openCount == 2)
            #expect(files.map { isOpen($0) } == [true, false, true])
            #expect(isRead(files[1], 1) && files.map { isOpen($0) } == [false, true, true])
            #expect(isRead(files[0], 0))
        }
    }

    @Test func aFileThatGoesIsClosed() throws {
        try withTemporaryFolder { folder in
            let pool = DescriptorPool(limit: 4)
            var files = try files(3, folder, pool)
            for (number, file) in files.enumerated() { #expect(isRead(file, number)) }
            #expect(pool.openCount == 3)
            files.removeLast(2)
            #expect(pool.openCount == 1 && isOpen(files[0]))
        }
    }

    @Test func aDescriptorInUseStaysOpen() throws {
        try withTemporaryFolder { folder in
            let pool = DescriptorPool(limit: 1)
            let files = try files(2, folder, pool)
            let isKept = try files[0].withDescriptor { _ in
                isRead(files[1], 1) && isRead(files[1], 1) && isOpen(files[0])
            }
            #expect(isKept && isRead(files[1], 1))
        }
    }

    /// With more threads than open files, no thread reads another file's bytes or a closed
    /// descriptor.
    @Test(arguments: [1, 3]) func manyThreadsReadMoreFilesThanAreOpen(limit: Int) throws {
        try withTemporaryFolder { folder in
            let pool = DescriptorPool(limit: limit)
            let files = try files(8, folder, pool)
            DispatchQueue.concurrentPerform(iterations: 8) { worker in
                for step in 0..<2000 {
                    let number = (worker + step * 5) % 8
                    if !isRead(files[number], number) { Issue.record("file \(number), step \(step)") }
                }
            }
            // The next opening closes the files over the limit.
            if let closed = (0..<8).first(where: { !isOpen(files[$0]) }) {
                #expect(isRead(files[closed], closed) && pool.openCount <= limit)
            }
        }
    }

    @Test func aReplacedFileIsNotTakenForTheFirst() throws {
        try withTemporaryFolder { folder in
            let pool = DescriptorPool(limit: 1)
            let files = try files(2, folder, pool)
            #expect(isRead(files[0], 0) && isRead(files[1], 1))
            // As after packing a dataset again: another inode of the same size.
            try write([UInt8](repeating: 9, count: 64), folder, "new")
            try FileManager.default.removeItem(atPath: files[0].path)
            try FileManager.default.moveItem(atPath: "\(folder)/new", toPath: files[0].path)
            let text = message { _ = try files[0].read(at: 0, count: 1) }
            #expect(
                text.hasPrefix("could not open again, \(folder)/0: it was replaced: 64 bytes in inode "),
                "\(text)")
            #expect(text.hasSuffix("; leave datasets alone while they are read, and start again"))
            // A file that has become shorter.
            #expect(message { _ = try files[1].read(at: 0, count: 1) } == "")
            _ = message { _ = try files[0].read(at: 0, count: 1) }
            try write([1], folder, "1")
            #expect(
                message { _ = try files[1].read(at: 0, count: 1) }.contains(
                    "it was replaced: 1 bytes in inode "))
            try FileManager.default.removeItem(atPath: files[1].path)
            #expect(
                message { _ = try files[1].read(at: 0, count: 1) }
                    == "could not open, \(folder)/1: no such file or directory")
        }
    }

    @Test func aDatasetIsOpenedWithoutKeepingItsShardsOpen() throws {
        try withTemporaryFolder { folder in
            var options = PackingOptions()
            options.recordsPerShard = 1
            let dataset = try pack(drawnRecords(count: 12), folder, options: options)
            let open = (try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")).compactMap {
                try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\($0)")
            }
            #expect(!open.contains { $0.contains("\(folder)/set/shard") })
            for record in 0..<12 { #expect(try dataset.image(of: record) == drawnImage(record)) }
        }
    }

    /// In a separate process without free descriptors.
    @Test func withoutADescriptorTheLimitAndTheRemedyAreNamed() async {
        await #expect(processExitsWith: .success) {
            try withTemporaryFolder { folder in
                var options = PackingOptions()
                options.recordsPerShard = 1
                let dataset = try pack(drawnRecords(count: 2), folder, options: options)
                let limit = useUpDescriptors()
                let texts = [
                    message { _ = try dataset.image(of: 0) },
                    message { _ = try PooledFile("\(folder)/set/shard-00000.h5") },
                ]
                for text in texts {
                    precondition(
                        text.hasPrefix("could not open, \(folder)/set/shard-00000.h5: too many open files"),
                        text)
                    precondition(
                        text.contains("the limit is \(limit) (ulimit -n; the hard limit, ulimit -Hn, is "),
                        text)
                    // The kinds of open files depend on what the process has inherited.
                    precondition(text.contains("), \(limit) are open ("), text)
                    precondition(text.hasSuffix("; raise it before the start, as by 'ulimit -n 4096'"), text)
                }
            }
        }
    }

    /// An idle open file is closed to free its descriptor for another file.
    @Test func theLastDescriptorGoesRound() async {
        await #expect(processExitsWith: .success) {
            try withTemporaryFolder { folder in
                var options = PackingOptions()
                options.recordsPerShard = 1
                let dataset = try pack(drawnRecords(count: 3), folder, options: options)
                useUpDescriptors(but: 1)
                for record in [0, 1, 2, 0] {
                    let image = try dataset.image(of: record)
                    precondition(image == drawnImage(record), "record \(record)")
                }
            }
        }
    }
}
