/// The names of a network's tensors in other programs.
enum TensorNames {
    /// Parts of names that wrappers add, at the front or in the middle: data parallelism,
    /// `torch.compile`, FSDP, activation checkpointing, DeepSpeed.
    private static let wrappers: Set<Substring> = [
        "module", "_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module", "_forward_module",
    ]

    /// Names of the last layer, in order of precedence; the second parts are those of a sequence
    /// with dropout, and of timm.
    static let lastLayers = ["fc", "linear", "classifier", "head", "last_linear"].flatMap { name in
        ["", ".1", ".fc", ".0"].map { name + $0 }
    }

    /// Modules that training scripts save with a network and that it does not use.
    static let losses: Set<Substring> = ["criterion", "criterions", "loss", "loss_fn", "loss_func"]

    /// A name without the parts that wrappers add; `downsample` becomes `shortcut`.
    static func bare(_ name: String) -> String {
        name.split(separator: ".", omittingEmptySubsequences: false).filter { !wrappers.contains($0) }
            .map { $0 == "downsample" ? "shortcut" : $0 }.joined(separator: ".")
    }

    /// All prefixes of `prefix` that end with a dot, the longest first, then the empty prefix.
    static func ancestors(of prefix: String) -> [String] {
        var parts = prefix.split(separator: ".")
        var all: [String] = []
        while !parts.isEmpty {
            all.append(parts.joined(separator: ".") + ".")
            parts.removeLast()
        }
        return all + [""]
    }
}
