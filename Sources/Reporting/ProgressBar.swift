/// A bar and a caption in less than `width` columns: a line that wraps cannot be drawn over.
///
/// The caption goes first: the bar takes what it leaves, at most 24 columns, and is left out below 4.
///
/// - Parameter fraction: How much of the bar is filled, from 0 to 1.
public func progressBar(_ fraction: Double, caption: String, width: Int) -> String {
    let caption = caption.prefix(max(width - 1, 0))
    let length = min(24, width - 2 - caption.count)
    guard length >= 4 else { return String(caption) }
    let filled = Int((min(max(fraction, 0), 1) * Double(length)).rounded())
    return String(repeating: "█", count: filled) + String(repeating: "░", count: length - filled)
        + " \(caption)"
}
