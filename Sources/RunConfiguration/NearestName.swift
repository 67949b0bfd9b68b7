/// The known name that was most likely meant: the first that `name` begins, as `resnet18` does `resnet18_32x32`, else the one with the
/// fewest edits from it, if those are few enough for a slip.
///
/// Upper and lower case count as equal, and marks such as `-` do not count at a beginning; of equally near names the first.
public func nearestName(to name: String, among known: [String]) -> String? {
    // A long text is no slip, and would take long to compare.
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

/// Levenshtein's distance: insertions, deletions and replacements that turn one into the other.
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
