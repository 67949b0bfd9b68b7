package import Datasets
package import Detection
internal import Foundation
package import RunConfiguration
package import Training

/// The packed sets that an evaluation reads, and their paths.
package struct BenchmarkSets {
    package struct Entry: Equatable {
        package var name: String
        /// The packed dataset's folder.
        package var path: String
        /// The number of images by the definition, if given.
        package var count: Int?
        /// The hash of the image list by the definition, if given.
        package var hash: String?
    }

    /// The folder for results; `nil` for the test set's name.
    package private(set) var name: String?
    package private(set) var test: Entry
    package private(set) var near: [Entry]
    package private(set) var far: [Entry]
    package private(set) var csid: [Entry] = []
    /// For scores that are fitted.
    package private(set) var training: Entry?
    package private(set) var validation: Entry?
    /// Out-of-distribution set for choosing settings of scores.
    package private(set) var outlierValidation: Entry?
    /// Near and far sets of the definition that do not exist.
    package private(set) var missing: [Entry] = []
    /// Covariate-shifted sets of the definition that do not exist.
    package private(set) var missingShifted: [Entry] = []
    /// The names of the near and far sets, including missing ones.
    private var rows: (near: [String], far: [String])
    /// Whether the sets come from a benchmark definition.
    private var isDefined = false

    /// The sets of a configuration's `evaluation` section, all of which must exist.
    package init(_ configuration: RunConfiguration) {
        let entries = { (paths: NamedPaths) in paths.entries.map { Entry(name: $0.name, path: $0.path) } }
        test = Entry(name: "", path: configuration.data.test)
        near = entries(configuration.evaluation.near)
        far = entries(configuration.evaluation.far)
        rows = (near.map(\.name), far.map(\.name))
        let data = configuration.data
        training = data.train.isEmpty ? nil : Entry(name: "training", path: data.train)
        validation = data.validation.isEmpty ? nil : Entry(name: "validation", path: data.validation)
        let outliers = configuration.evaluation.outlierValidation
        outlierValidation = outliers.isEmpty ? nil : Entry(name: "outlier validation", path: outliers)
    }

    /// The sets of a definition that exist.
    ///
    /// - Parameters:
    ///   - folder: The folder of all packed sets; `nil` for the definition's own.
    ///   - optional: Names of optional sets to include.
    ///   - configuration: Gives the training and the validation sets if the definition's do not
    ///     exist.
    /// - Throws: `DatasetError` if the test set does not exist, or `optional` names an unknown set.
    package init(
        _ definition: BenchmarkDefinition, in folder: String?, with optional: [String],
        _ configuration: RunConfiguration
    ) throws(DatasetError) {
        let folder = folder ?? definition.data
        let entry = { (set: BenchmarkDefinition.ImageSet) in
            let path = set.folder.hasPrefix("/") || folder.isEmpty ? set.folder : "\(folder)/\(set.folder)"
            return Entry(name: set.name, path: path, count: set.count, hash: set.hash)
        }
        let all = definition.near + definition.far + definition.csid
        if let unknown = optional.first(where: { name in !all.contains { $0.name == name && $0.isOptional } })
        {
            throw DatasetError(
                action: "evaluate on \(definition.name)", place: unknown,
                reason: "the benchmark has no optional set of this name",
                remedy: "leave --with out or name one of its optional sets")
        }
        let chosen = { (sets: [BenchmarkDefinition.ImageSet]) in
            sets.filter { !$0.isOptional || optional.contains($0.name) }.map(entry)
        }
        let (near, far, csid) = (chosen(definition.near), chosen(definition.far), chosen(definition.csid))
        let isThere = { (entry: Entry) in
            FileManager.default.fileExists(atPath: "\(entry.path)/\(Manifest.fileName)")
        }
        self = BenchmarkSets(configuration)
        isDefined = true
        name = definition.name
        test = entry(definition.test)
        guard isThere(test) else {
            throw DatasetError(
                action: "evaluate on \(definition.name)", place: test.path,
                reason: "there is no packed dataset, but the in-distribution test set is required",
                remedy: "pack it, or name the folder of the packed sets with --data")
        }
        self.near = near.filter(isThere)
        self.far = far.filter(isThere)
        self.csid = csid.filter(isThere)
        missing = (near + far).filter { !isThere($0) }
        missingShifted = csid.filter { !isThere($0) }
        rows = (near.map(\.name), far.map(\.name))
        training = definition.train.map(entry).flatMap { isThere($0) ? $0 : nil } ?? training
        validation = definition.validation.map(entry).flatMap { isThere($0) ? $0 : nil } ?? validation
        outlierValidation =
            definition.oodValidation.map(entry).flatMap { isThere($0) ? $0 : nil } ?? outlierValidation
    }

    /// Drops the sets that no score needs.
    package mutating func keep(
        training keepsTraining: Bool, validation keepsValidation: Bool, outlierValidation keepsOutliers: Bool
    ) {
        if !keepsTraining { training = nil }
        if !keepsValidation { validation = nil }
        if !keepsOutliers { outlierValidation = nil }
    }

    package var paths: [String] {
        ([test] + near + far + csid + [training, validation, outlierValidation].compactMap(\.self)).map(
            \.path)
    }

    /// Opens the sets.
    ///
    /// - Parameters:
    ///   - folders: The folders of local copies, by the sets' paths.
    ///   - classes: The classes that labels must agree with.
    package func open(
        _ folders: [String: String], classes: ClassAgreement
    ) throws(DatasetError) -> OpenedBenchmark {
        let open = { (entry: Entry) throws(DatasetError) in
            try PackedDataset(path: folders[entry.path] ?? entry.path)
        }
        let test = try open(test)
        try classes.check(test)
        let testName = name ?? test.name
        var opened = OpenedBenchmark(
            name: testName, datasets: [(testName, .test, test)], rows: rows,
            remarks: missingRemarks + remarks(on: self.test, named: testName, test))
        for (entries, role) in [(near, OpenOODBenchmark.Role.near), (far, .far), (csid, .csid)] {
            for entry in entries {
                let set = try open(entry)
                if role == .csid { try classes.check(set) }
                opened.datasets.append((entry.name, role, set))
                opened.remarks += remarks(on: entry, named: entry.name, set)
            }
        }
        if let training { opened.training = NamedSet(name: training.name, source: try open(training)) }
        if let validation {
            opened.validation = NamedSet(name: validation.name, source: try open(validation))
        }
        if let outlierValidation {
            opened.outlierValidation = NamedSet(
                name: outlierValidation.name, source: try open(outlierValidation))
        }
        return opened
    }

    private var missingRemarks: [String] {
        let means = [("nearood", rows.near), ("farood", rows.far)].compactMap { mean, names -> String? in
            let present = names.count { name in !missing.contains { $0.name == name } }
            return present == names.count ? nil : "\(mean) is the mean of \(present) of \(names.count) sets"
        }
        let of = { (entries: [Entry]) in
            entries.map { "\($0.name) (no dataset at \($0.path))" }.joined(separator: ", ")
        }
        return
            (missing.isEmpty ? [] : ["missing: \(of(missing)); \(means.joined(separator: ", "))"])
            + (missingShifted.isEmpty
                ? [] : ["missing on the in-distribution side of fsood: \(of(missingShifted))"])
            + (isDefined && csid.isEmpty ? ["fsood is not available: there is no covariate-shifted set"] : [])
    }

    /// Remarks on how a set differs from its definition.
    private func remarks(on entry: Entry, named name: String, _ set: PackedDataset) -> [String] {
        var remarks: [String] = []
        if let count = entry.count, count != set.count {
            remarks.append("\(name) has \(set.count) images, the benchmark \(count)")
        }
        if let hash = entry.hash {
            switch set.manifest.benchmark?.listHash {
            case hash: break
            case nil:
                remarks.append("\(name) was packed without its image list, so its split is not verified")
            case let found?:
                remarks.append("\(name) is of another image list (hash \(found), published \(hash))")
            }
        }
        return remarks
    }
}

/// A benchmark whose sets are open.
package struct OpenedBenchmark {
    /// The folder for its results.
    package let name: String
    /// The test set, near, far and covariate-shifted sets.
    fileprivate(set) var datasets: [(name: String, role: OpenOODBenchmark.Role, set: PackedDataset)]
    package let rows: (near: [String], far: [String])
    /// Lines on sets that are missing or differ from the benchmark's definition.
    package var remarks: [String]
    fileprivate(set) var training: NamedSet?
    fileprivate(set) var validation: NamedSet?
    fileprivate(set) var outlierValidation: NamedSet?

    package var benchmark: Benchmark {
        let sets = { (role: OpenOODBenchmark.Role) in
            datasets.filter { $0.role == role }.map { NamedSet(name: $0.name, source: $0.set) }
        }
        return Benchmark(
            inDistribution: sets(.test)[0], near: sets(.near), far: sets(.far), covariateShifted: sets(.csid),
            rows: rows)
    }

    /// The sets on which scores are fitted.
    package var fitting: [NamedSet] { [training, validation, outlierValidation].compactMap(\.self) }
}
