internal import Foundation

/// The shortest suffix of each folder's path that is unique; repetitions of a folder are numbered.
///
/// `runs/a/s0` and `runs/b/s0` are `a/s0` and `b/s0`.
package func titles(of folders: [String]) -> [String] {
    let paths = folders.map {
        URL(filePath: $0).standardizedFileURL.resolvingSymlinksInPath().path.split(separator: "/").map(
            String.init)
    }
    let titles = paths.map { path in
        let others = paths.filter { $0 != path }
        let length = (1...max(path.count, 1)).first { length in
            others.allSatisfy { $0.suffix(length) != path.suffix(length) }
        }
        return path.suffix(length ?? path.count).joined(separator: "/")
    }
    return titles.indices.map { index in
        let before = titles[..<index].count { $0 == titles[index] }
        return before == 0 ? titles[index] : "\(titles[index]) (\(before + 1))"
    }
}
