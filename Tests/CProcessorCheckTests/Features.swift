import CBuildFeatures
import CProcessorCheck
import Testing

/// The table of features, by name.
enum Features {
    /// The names, in the order of the features' numbers.
    static let names = (0..<Int32(FEATURE_COUNT.rawValue)).map { unsafe String(cString: feature_name($0)) }
    /// The macro that clang defines for each.
    static let macros = (0..<Int32(FEATURE_COUNT.rawValue)).map { unsafe String(cString: feature_macro($0)) }

    /// The set of the features that `list` names, separated by spaces.
    static func set(_ list: String) throws -> UInt64 {
        try list.split(separator: " ").reduce(0) { set, name in
            set | 1 << (try #require(names.firstIndex(of: String(name)), "no feature \(name)"))
        }
    }

    /// The set of the features of an x86-64 level and all levels below it.
    static func of(level: Int) throws -> UInt64 {
        let v2 = "sse3 ssse3 sse4.1 sse4.2 popcnt cx16 lahf"
        let v3 = "avx avx2 fma f16c bmi1 bmi2 lzcnt movbe"
        let v4 = "avx512f avx512cd avx512bw avx512dq avx512vl"
        return try set([v2, v3, v4].prefix(level - 1).joined(separator: " "))
    }
}
