import DatasetPacking
import DatasetSamples
import Datasets
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(30))) struct CIFARArchiveTests {
    @Test func planesBecomePixelsAndTheFineLabelIsTaken() throws {
        try withTemporaryFolder { folder in
            let record = cifarRecord(labels: [19, 77], seed: 5)
            let source = try CIFARArchive([write(record, folder, "test.bin")], .cifar100)
            let only = try #require(try records(of: source).first)
            #expect(only.label == 77)
            guard case .pixels(let image) = only.payload else {
                Issue.record("no pixels")
                return
            }
            for (pixel, channel) in [(0, 0), (33, 1), (1023, 2)] {
                #expect(image.bytes[3 * pixel + channel] == record[2 + 1024 * channel + pixel])
            }
        }
    }

    @Test func aCutOffFileGivesItsCompleteRecordsAndSaysSo() throws {
        try withTemporaryFolder { folder in
            let three = (0..<3).flatMap { cifarRecord(labels: [UInt8($0)], seed: $0) }
            let first = try write(three.dropLast(1000), folder, "data_batch_1.bin")
            let second = try write(three, folder, "data_batch_2.bin")
            try write(
                "airplane\nautomobile\nbird\ncat\ndeer\ndog\nfrog\nhorse\nship\ntruck\n\n".utf8, folder,
                "batches.meta.txt")
            let source = try CIFARArchive([first, second], .cifar10)
            #expect(source.count == 5)
            #expect(source.classNames.first == "airplane" && source.classNames.count == 10)
            #expect(source.leftoverByteCounts == [first: 2073])
            #expect(source.notes == ["\(first) is cut off: 2 complete records, 2073 bytes left over"])
            #expect(try records(of: source).map(\.label) == [0, 1, 0, 1, 2])
            let repeated = ["2 duplicate images: see report.csv"]
            #expect(try pack(source, folder).manifest.notes == source.notes + repeated)
        }
    }

    @Test func aLabelBeyondTheClassesIsNamedWithItsRecord() throws {
        try withTemporaryFolder { folder in
            let bytes = cifarRecord(labels: [9], seed: 0) + cifarRecord(labels: [10], seed: 1)
            let path = try write(bytes, folder, "x.bin")
            #expect(
                message { _ = try pack(CIFARArchive([path], .cifar10), folder) }
                    == "could not take label 10, \(path), record 1: expected 0 to 9")
        }
    }

    @Test func aFileOfAnotherKindIsNamed() throws {
        try withTemporaryFolder { folder in
            let path = try write(gzip(cifarRecord(labels: [1], seed: 0)), folder, "data_batch_1")
            #expect(
                message { _ = try CIFARArchive([path], .cifar10) }
                    == "could not read cifar10 batch, \(path): it is a gzip file, "
                    + "expected the set's binary version or a pickle")
        }
    }

    @Test func aFileWithoutARecordIsRefused() throws {
        try withTemporaryFolder { folder in
            let path = try write([1, 2, 3], folder, "x.bin")
            #expect(
                message { _ = try CIFARArchive([path], .cifar10) }
                    == "could not read cifar10 records, \(path): it has 3 bytes, expected records of 3073")
        }
    }
}
