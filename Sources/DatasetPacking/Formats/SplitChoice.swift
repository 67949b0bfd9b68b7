/// The value of `--split`: a part of the source, or the shares of a random split.
package enum SplitChoice: Equatable, Sendable {
    case part(String)
    /// Two or three numbers, in any unit.
    case shares([Int])

    /// Parses a part's name, or shares such as `80/10/10`; `nil` for shares that are not two or
    /// three numbers from 1 to 1,000.
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
}
