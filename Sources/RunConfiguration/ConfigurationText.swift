internal import Foundation
internal import Yams

/// The text of a YAML file.
func textOfConfiguration(_ file: String) throws(ConfigurationError) -> String {
    let failure = { (found: String) in
        ConfigurationError(key: "the configuration file \(file)", found: found, expected: "a YAML file")
    }
    guard FileManager.default.fileExists(atPath: file) else { throw failure("missing") }
    // Reads in pieces, since a pipe or a device has no length.
    var bytes = Data()
    guard let handle = FileHandle(forReadingAtPath: file) else { throw failure("not readable") }
    while bytes.count <= YAMLLimits.byteCount {
        let piece: Data?
        do { piece = try handle.read(upToCount: YAMLLimits.byteCount + 1 - bytes.count) } catch {
            throw failure("not readable as UTF-8 text")
        }
        guard let piece, !piece.isEmpty else { break }
        bytes.append(piece)
    }
    guard bytes.count <= YAMLLimits.byteCount else {
        throw failure("longer than \(YAMLLimits.byteCount) bytes")
    }
    guard let text = String(data: bytes, encoding: .utf8) else { throw failure("not readable as UTF-8 text") }
    return text
}

/// Parses a YAML text.
///
/// - Throws: An error with the line if the text is not valid YAML; also if the text, or its
///   expansion of aliases, is larger than `YAMLLimits` allows, before it is expanded.
func composeConfiguration(_ yaml: String, file: String) throws(ConfigurationError) -> Node {
    if let problem = YAMLLimits.problem(of: yaml) { throw refusal(problem, file: file) }
    let document: Node
    do {
        document = try compose(yaml: yaml) ?? Node("")
    } catch YamlError.duplicatedKeysInMapping(let keys, let context) {
        throw ConfigurationError(
            key: keys.joined(separator: ", "), found: "written twice in one mapping",
            expected: "each key once", origin: .init(file: file, line: context.mark.line))
    } catch YamlError.scanner(_, let problem, let mark, _),
        YamlError.parser(_, let problem, let mark, _), YamlError.composer(_, let problem, let mark, _)
    {
        throw ConfigurationError(
            key: "the text", found: "not valid YAML (\(problem))", expected: "lines of 'key: value'",
            origin: .init(file: file, line: mark.line))
    } catch {
        throw ConfigurationError(
            key: "the text", found: "not valid YAML", expected: "lines of 'key: value'",
            origin: .init(file: file))
    }
    if let problem = YAMLLimits.problem(of: document) { throw refusal(problem, file: file) }
    return document
}

private func refusal(_ problem: String, file: String) -> ConfigurationError {
    ConfigurationError(
        key: "the text", found: problem, expected: "lines of 'key: value'", origin: .init(file: file))
}
