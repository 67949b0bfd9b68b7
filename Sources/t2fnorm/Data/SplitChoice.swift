internal import ArgumentParser

/// The value of `--split`: a part of the source, or the shares of a random split.
package enum SplitChoice: ExpressibleByArgument, Equatable {
    case part(String)
    /// Two or three numbers, in any unit.
    case shares([Int])

    package init?(argument: String) {
        guard argument.contains("/") else {
            self = .part(argument)
            return
        }
        let shares = argument.split(separator: "/", omittingEmptySubsequences: false).compactMap { Int($0) }
        guard shares.count == argument.count(where: { $0 == "/" }) + 1, (2...3).contains(shares.count),
            shares.allSatisfy({ (1...1000).contains($0) })
        else { return nil }
        self = .shares(shares)
    }

    /// The names of the first `count` parts.
    static func partNames(_ count: Int) -> [String] { Array(["train", "validation", "test"].prefix(count)) }
}
