internal import CBuildFeatures

/// The processor that this program was built for, such as `x86-64-v4 avx512_bf16 gfni`.
///
/// The first word is the highest level of the x86-64 psABI that the build uses completely, the
/// others are instruction sets beyond it.
func buildProcessor() -> String {
    #if arch(x86_64)
        processorText(of: build_features)
    #elseif arch(arm64)
        "arm64"
    #else
        "unknown"
    #endif
}

/// The text for a set of features of `CBuildFeatures`.
package func processorText(of features: UInt64) -> String {
    let all = (0..<Int32(FEATURE_COUNT.rawValue)).map { number in
        (
            name: unsafe String(cString: build_feature_name(number)),
            level: build_feature_level(number), isUsed: features >> UInt64(number) & 1 == 1
        )
    }
    let missing = all.filter { !$0.isUsed }.map(\.level).min() ?? 5
    let level = min(missing - 1, 4)
    let further = all.filter { $0.isUsed && $0.level > level }.map(\.name)
    return ([level > 1 ? "x86-64-v\(level)" : "x86-64"] + further).joined(separator: " ")
}
