internal import Datasets
internal import Pickle

extension CIFARArchive.Variant {
    var labelByteCount: Int { self == .cifar10 ? 1 : 2 }
    var recordByteCount: Int { labelByteCount + 3 * 32 * 32 }
    /// The key of the labels in a pickle.
    var labelKey: String { self == .cifar10 ? "labels" : "fine_labels" }
    /// The official files of class names: a pickle, and text with one name per line.
    var nameFiles: [String] {
        self == .cifar10 ? ["batches.meta", "batches.meta.txt"] : ["meta", "fine_label_names.txt"]
    }

    /// The official files in their order, without the `.bin` of the binary version.
    func files(of split: CIFARArchive.Split) -> [String] {
        let train = self == .cifar10 ? (1...5).map { "data_batch_\($0)" } : ["train"]
        let test = self == .cifar10 ? ["test_batch"] : ["test"]
        return switch split {
        case .train: train
        case .val: []
        case .test: test
        case .all: train + test
        }
    }

    /// The class names in such a file; `nil` unless it has one for each class.
    func classNames(in bytes: [UInt8]) -> [String]? {
        let key = self == .cifar10 ? "label_names" : "fine_label_names"
        let pickled = try? PickleReader(constructors: NumPyArray.constructors).read(whole: bytes)
        let lines = String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline)
            .map { String(decoding: trimmed(Array($0.utf8)[...]), as: UTF8.self) }.filter { !$0.isEmpty }
        let names = pickled?[key]?.elements?.compactMap(\.string) ?? lines
        return names.count == classCount ? names : nil
    }
}
