package import Workers

/// Overwrites `output` with the mean over all positions of each sample.
///
/// - Parameters:
///   - input: Shape `[N, positions, C]`.
///   - output: Shape `[N, C]`.
package func globalAveragePool(
    _ input: Span<Float>, channels: Int, positions: Int, into output: inout MutableSpan<Float>,
    on pool: WorkerPool
) {
    pool.split(&output, every: channels) { sample, part in
        part.update(repeating: 0)
        for position in 0..<positions {
            let start = (sample * positions + position) * channels
            let row = input.extracting(start..<start + channels)
            for c in 0..<channels { part[c] += row[c] }
        }
        for c in 0..<channels { part[c] /= Float(positions) }
    }
}

/// Overwrites `inputGradient` with the gradient of the mean's input.
///
/// - Parameters:
///   - outputGradient: Shape `[N, C]`.
///   - inputGradient: Shape `[N, positions, C]`.
package func globalAveragePoolGradient(
    _ outputGradient: Span<Float>, channels: Int, positions: Int,
    into inputGradient: inout MutableSpan<Float>, on pool: WorkerPool
) {
    let share = 1 / Float(positions)
    pool.split(&inputGradient, every: positions * channels) { sample, part in
        let row = outputGradient.extracting(sample * channels..<(sample + 1) * channels)
        for position in 0..<positions {
            for c in 0..<channels { part[position * channels + c] = row[c] * share }
        }
    }
}
