/// This program's version, which its checkpoints contain.
package let softwareVersion = "0.2.0-dev"

/// What computed a result: program, build and libraries; written beside every result.
///
/// No result depends on it, so nothing compares two of them.
package struct SoftwareRecord: Codable, Equatable, Sendable {
    package var version: String
    /// The first 12 digits of the source's commit, with `-dirty` if the sources differed from it;
    /// `unknown` for sources outside of a git checkout.
    package var commit: String
    /// The processor that the program was built for: its level, then further instruction sets.
    package var processor: String
    /// The version of the Swift compiler; `unknown` if it did not tell.
    package var compiler: String
    /// Versions of C libraries by name.
    package var libraries: [String: String]

    /// This program with the libraries that its caller uses.
    package init(libraries: [String: String]) {
        version = softwareVersion
        commit = sourceCommit()
        processor = buildProcessor()
        compiler = compilerVersion()
        self.libraries = libraries
    }

    /// One line per fact, in a fixed order.
    package var lines: [String] {
        ["commit \(commit)", "built for \(processor)", "Swift \(compiler)"]
            + libraries.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
    }
}
