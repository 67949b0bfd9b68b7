/// A bar and whole fields in less than `width` columns: a line that wraps cannot be redrawn.
///
/// The first field is shown if it fits, the second even instead of the bar if there is no room for
/// both. Further fields are shown if they leave ten columns for the bar. The bar takes the rest, at
/// most 24 columns.
///
/// - Parameters:
///   - fraction: The filled part of the bar, from 0 to 1.
///   - fields: The most important first.
///   - width: The number of columns of the terminal.
package func progressBar(_ fraction: Double, fields: [String], width: Int) -> String {
    let room = max(width - 1, 0)
    let leastBar = 10
    var caption = ""
    for (index, field) in fields.enumerated() {
        let longer = caption.isEmpty ? field : "\(caption)  \(field)"
        guard columnCount(longer) <= (index < 2 ? room : room - leastBar - 1) else { break }
        caption = longer
    }
    let length = min(24, caption.isEmpty ? room : room - 1 - columnCount(caption))
    guard length >= 4 else { return caption }
    let filled = Int((min(max(fraction, 0), 1) * Double(length)).rounded())
    let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: length - filled)
    return caption.isEmpty ? bar : "\(bar) \(caption)"
}
