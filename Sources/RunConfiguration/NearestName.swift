/// The known name that was most likely meant: the first that begins with `name`, as
/// `resnet18_32x32` begins with `resnet18`, otherwise the one with the smallest edit distance, if
/// that is small enough for a typing error.
///
/// Case is ignored, and so are marks such as `-` when beginnings are compared; of equally near
/// names the first is returned.
package func nearestName(to name: String, among known: [String]) -> String? {
    // A long text is not a typing error, and would take long to compare.
    guard name.utf8.count <= 100 else { return nil }
    let beginning = lettersAndDigits(name)
    if beginning.count >= 3, let whole = known.first(where: { lettersAndDigits($0).hasPrefix(beginning) }) {
        return known.first { lettersAndDigits($0) == beginning } ?? whole
    }
    let distances = known.map { editDistance(Array(name.lowercased()), Array($0.lowercased())) }
    guard let least = distances.min(), least <= max(2, name.count / 3), least < name.count else {
        return nil
    }
    return known[distances.firstIndex(of: least)!]
}

private func lettersAndDigits(_ name: String) -> String {
    name.lowercased().filter { $0.isLetter || $0.isNumber }
}

/// The Levenshtein distance: the least number of insertions, deletions and replacements that turn
/// one into the other.
private func editDistance(_ left: [Character], _ right: [Character]) -> Int {
    var row = Array(0...right.count)
    for (i, character) in left.enumerated() {
        var diagonal = row[0]
        row[0] = i + 1
        for j in right.indices {
            let replaced = diagonal + (character == right[j] ? 0 : 1)
            diagonal = row[j + 1]
            row[j + 1] = min(replaced, diagonal + 1, row[j] + 1)
        }
    }
    return row[right.count]
}
