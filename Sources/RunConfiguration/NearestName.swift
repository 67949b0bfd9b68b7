/// The known name with the fewest edits from `name`, if those are few enough for a slip.
///
/// Upper and lower case count as equal; of equally near names the first.
func nearestName(to name: String, among known: [String]) -> String? {
    // A long text is no slip, and would take long to compare.
    guard name.utf8.count <= 100 else { return nil }
    let distances = known.map { editDistance(Array(name.lowercased()), Array($0.lowercased())) }
    guard let least = distances.min(), least <= max(2, name.count / 3), least < name.count else {
        return nil
    }
    return known[distances.firstIndex(of: least)!]
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
