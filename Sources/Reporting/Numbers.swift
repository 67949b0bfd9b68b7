internal import Foundation

/// A number with `places` digits after the point.
package func decimal(_ value: Double, _ places: Int) -> String {
    value.formatted(
        .number.precision(.fractionLength(places)).grouping(.never).locale(Locale(identifier: "en_US_POSIX")))
}

/// A fraction as a percentage with `places` digits after the point, or a dash for `nil`.
package func percent(_ share: Double?, _ places: Int) -> String {
    share.map { "\(decimal(100 * $0, places)) %" } ?? "–"
}

/// Hours, minutes and seconds, as `1:02:03` or `2:03`.
package func duration(_ seconds: Double) -> String {
    guard seconds.isFinite && seconds < 1e9 else { return "?" }
    let whole = Int(seconds.rounded())
    let (hours, minutes, rest) = (whole / 3600, whole / 60 % 60, whole % 60)
    let padded = { (value: Int) in value < 10 ? "0\(value)" : "\(value)" }
    return hours > 0 ? "\(hours):\(padded(minutes)):\(padded(rest))" : "\(minutes):\(padded(rest))"
}
