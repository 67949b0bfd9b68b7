/// A format that `data pack` reads: its name, how it is recognised and opened, and what the help
/// and the manual say about it.
///
/// A new format is a value of this type in the file of its reader, and a line in `all`.
package struct DatasetFormat: Sendable {
    /// How surely an input is recognised. If several formats recognise it, the highest certainty
    /// decides, then the catalogue's order.
    package enum Certainty: Int, Comparable, Sendable {
        /// The bytes say nothing, and the name contains a word such as `idx`.
        case word
        /// The bytes say nothing, and the name is an official one or ends like the format's files.
        case name
        /// It is an archive or a folder.
        case container
        /// The files in the archive or folder have the format's names.
        case entries
        /// The bytes are the format's own.
        case content

        package static func < (first: Self, second: Self) -> Bool { first.rawValue < second.rawValue }
    }

    /// A row of the table in `docs/data.md`, in Markdown.
    package struct Row: Equatable, Sendable {
        package var what: String
        package var naming: String
        package var notes: String

        init(_ what: String, _ naming: String, _ notes: String) {
            self.what = what
            self.naming = naming
            self.notes = notes
        }
    }

    /// The value of `--format`.
    package let name: String
    /// What it is, in one line of the help.
    package let summary: String
    /// The options that apply to some formats only, and to this one. A format that takes
    /// `.classOrder` has names of classes, which `--class-names` then puts in order.
    package let options: Set<SourceOption>
    /// Whether a set may consist of several files.
    package let takesSeveralFiles: Bool
    package let rows: [Row]
    /// `nil` if the input is not of this format.
    let recognize: @Sendable (InputContent, SourceOptions) -> Certainty?
    /// Opens a source in this format.
    ///
    /// - Throws: `DatasetError`, or `SourceOptionError` if an option is missing or wrong.
    let open: @Sendable (SourceOptions) throws -> any RecordSource

    init(
        _ name: String, _ summary: String, options: Set<SourceOption> = [], takesSeveralFiles: Bool = false,
        rows: [Row], recognize: @escaping @Sendable (InputContent, SourceOptions) -> Certainty?,
        open: @escaping @Sendable (SourceOptions) throws -> any RecordSource
    ) {
        self.name = name
        self.summary = summary
        self.options = options
        self.takesSeveralFiles = takesSeveralFiles
        self.rows = rows
        self.recognize = recognize
        self.open = open
    }
}

extension DatasetFormat: Equatable {
    /// Names are unique.
    package static func == (first: DatasetFormat, second: DatasetFormat) -> Bool { first.name == second.name }
}
