/// How other programs name the tensors of a network.
enum TensorNames {
    /// What wrappers put in front: data parallelism, T2FNorm's network (OpenOOD), `torch.compile`.
    static let prefixes = ["module.", "backbone.", "_orig_mod."]

    /// A name without the prefixes of wrappers, however often they are there.
    static func bare(_ name: String) -> String {
        var rest = name[...]
        while let prefix = prefixes.first(where: rest.hasPrefix) { rest = rest.dropFirst(prefix.count) }
        return String(rest)
    }

    /// Names of one thing: of the last layer, of a block's projection.
    private static let aliases = [["fc.", "linear."], ["shortcut.", "downsample."]]

    /// Other names that a tensor may have, as `layer2.0.downsample.0.weight` for `layer2.0.shortcut.0.weight`.
    static func others(for name: String) -> [String] {
        aliases.flatMap { group in
            group.flatMap { own in
                group.filter { $0 != own }.compactMap { other in
                    if name.hasPrefix(own) { return other + name.dropFirst(own.count) }
                    guard let range = name.firstRange(of: "." + own) else { return nil }
                    return name.replacingCharacters(in: range, with: "." + other)
                }
            }
        }
    }
}

extension String {
    fileprivate func replacingCharacters(in range: Range<Index>, with text: String) -> String {
        self[..<range.lowerBound] + text + self[range.upperBound...]
    }
}
