import DatasetPacking
import DatasetSamples
import Datasets
import TestSupport
import Testing

/// The validation images and the devkit in their downloaded form.
@Suite(.timeLimit(.minutes(30))) struct ImageNetValidationTests {
    /// The devkit's archive with `truth` as its labels; the sample's classes are n02119789,
    /// n01440764 and n02100735.
    private func devkit(_ truth: String, _ folder: String) throws -> String {
        let meta = try [UInt8](ByteFile.read(ReaderSamples.path("meta.mat")))
        let data = "ILSVRC2012_devkit_t12/data"
        let files = [
            ("\(data)/meta.mat", meta), ("\(data)/ILSVRC2012_validation_ground_truth.txt", Array(truth.utf8)),
        ]
        return try write(gzip(tar(files)), folder, "kit.tar.gz")
    }

    private func images(_ numbers: [String], _ folder: String) throws -> TarArchive {
        let files = numbers.map { ("ILSVRC2012_val_\($0).JPEG", DecodedImages.file("rgb 4:2:0.jpg")) }
        return try TarArchive(write(tar(files), folder, "ILSVRC2012_img_val.tar"))
    }

    @Test func labelsFollowTheSortedClasses() throws {
        try withTemporaryFolder { folder in
            let kit = try devkit("3\n1\n2\n1\n", folder)
            let source = try ImageNetValidation(
                images(["00000001", "00000002", "00000003"], folder), ImageNetDevkit(kit), path: kit)
            #expect(source.classNames == ["n01440764", "n02100735", "n02119789"])
            // The devkit's labels 3, 1 and 2 are n02100735, n02119789 and n01440764.
            #expect(try records(of: source).map(\.label) == [1, 2, 0])
            #expect(source.notes == ["3 of the devkit's 4 images are there"])
        }
    }

    @Test func anotherNumberAndAnotherClassAreNamed() throws {
        try withTemporaryFolder { folder in
            let kit = try devkit("1\n", folder)
            let found = message {
                _ = try ImageNetValidation(images(["00000002"], folder), ImageNetDevkit(kit), path: kit)
            }
            #expect(
                found.hasSuffix("its name is not ILSVRC2012_val_ and a number from 1 to 1"), "\(found)")
            let bad = try devkit("1\n9999\n", folder)
            #expect(
                message { _ = try ImageNetDevkit(bad) }
                    == "could not read ImageNet's devkit, \(bad): ILSVRC2012_devkit_t12/data/ILSVRC2012_validation_ground_truth.txt, line 2: "
                    + "'9999' is not the ILSVRC2012_ID of a class in meta.mat")
        }
    }
}
