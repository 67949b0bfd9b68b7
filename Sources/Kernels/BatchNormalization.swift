public import Workers

/// Overwrites `sums` with each sample's sum and sum of squares per channel.
///
/// Sums are in double precision: the variance is taken as a difference of them.
///
/// - Parameters:
///   - input: Shape `[N, positions, C]`.
///   - sums: Shape `[N, 2, C]`: sums, then sums of squares.
public func channelSums(
    _ input: Span<Float>, channels: Int, positions: Int, into sums: inout MutableSpan<Double>,
    on pool: WorkerPool
) {
    pool.split(&sums, every: 2 * channels) { sample, part in
        part.update(repeating: 0)
        let start = sample * positions * channels
        for position in 0..<positions {
            let row = input.extracting(
                start + position * channels..<start + (position + 1) * channels)
            accumulateSquares(row, into: &part)
        }
    }
}

private func accumulateSquares(_ row: Span<Float>, into sums: inout MutableSpan<Double>) {
    let channels = row.count
    precondition(sums.count == 2 * channels)
    for c in 0..<channels {
        let value = Double(row[c])
        sums[c] += value
        sums[channels + c] = sums[channels + c].addingProduct(value, value)
    }
}

/// Overwrites `output` with `scale · input + shift`, plus `residual`, rectified if asked.
///
/// - Parameters:
///   - input: Shape `[N, positions, C]`.
///   - coefficients: Shape `[groups, 2, C]`: scale, then shift.
///   - residual: Shape of `input`, or empty for none.
///   - rectifies: Whether negative results become 0.
///   - output: Shape of `input`.
public func normalizeChannels(
    _ input: Span<Float>, coefficients: Span<Float>, groups: SampleGroups, channels: Int,
    positions: Int, residual: Span<Float>, rectifies: Bool, into output: inout MutableSpan<Float>,
    on pool: WorkerPool
) {
    let floor: Float = rectifies ? 0 : -.infinity
    pool.split(&output, every: positions * channels) { sample, part in
        let first = groups.group(of: sample) * 2 * channels
        let scale = coefficients.extracting(first..<first + channels)
        let shift = coefficients.extracting(first + channels..<first + 2 * channels)
        let start = sample * part.count
        for offset in stride(from: 0, to: part.count, by: channels) {
            let row = input.extracting(start + offset..<start + offset + channels)
            var target = part.part(offset..<offset + channels)
            if residual.isEmpty {
                for c in 0..<channels {
                    target[c] = max(shift[c].addingProduct(row[c], scale[c]), floor)
                }
            } else {
                let added = residual.extracting(start + offset..<start + offset + channels)
                for c in 0..<channels {
                    target[c] = max(shift[c].addingProduct(row[c], scale[c]) + added[c], floor)
                }
            }
        }
    }
}

/// Sets `gradient` to 0 where the rectified `output` is 0, and overwrites `sums` with each sample's sums of
/// the gradient and of the gradient times the normalised input, per channel.
///
/// - Parameters:
///   - input: What was normalised; shape `[N, positions, C]`.
///   - output: The rectified output, or empty if it was not rectified.
///   - statistics: Shape `[groups, 2, C]`: mean, then 1 / standard deviation.
///   - gradient: Gradient of the output; shape of `input`.
///   - sums: Shape `[N, 2, C]`: sums of `g`, then of `g · (x − mean) / deviation`.
public func maskAndSumChannelGradients(
    input: Span<Float>, output: Span<Float>, statistics: Span<Float>, groups: SampleGroups,
    channels: Int, positions: Int, gradient: inout MutableSpan<Float>, into sums: inout MutableSpan<Double>,
    on pool: WorkerPool
) {
    pool.split(&gradient, every: positions * channels, &sums, every: 2 * channels) { sample, part, sums in
        let first = groups.group(of: sample) * 2 * channels
        let mean = statistics.extracting(first..<first + channels)
        let inverse = statistics.extracting(first + channels..<first + 2 * channels)
        let start = sample * part.count
        sums.update(repeating: 0)
        for offset in stride(from: 0, to: part.count, by: channels) {
            var row = part.part(offset..<offset + channels)
            if !output.isEmpty {
                let rectified = output.extracting(start + offset..<start + offset + channels)
                for c in 0..<channels { row[c] = rectified[c] > 0 ? row[c] : 0 }
            }
            let value = input.extracting(start + offset..<start + offset + channels)
            for c in 0..<channels {
                let normalized = (value[c] - mean[c]) * inverse[c]
                sums[c] += Double(row[c])
                sums[channels + c] = sums[channels + c].addingProduct(Double(row[c]), Double(normalized))
            }
        }
    }
}

/// Overwrites `inputGradient` with `a · gradient + b · input + c`, the gradient of a normalisation's input.
///
/// - Parameters:
///   - coefficients: Shape `[groups, 3, C]`: `a`, `b`, `c`.
///   - inputGradient: Shape of `input`, `[N, positions, C]`.
public func normalizationInputGradient(
    input: Span<Float>, gradient: Span<Float>, coefficients: Span<Float>, groups: SampleGroups,
    channels: Int, positions: Int, into inputGradient: inout MutableSpan<Float>, on pool: WorkerPool
) {
    pool.split(&inputGradient, every: positions * channels) { sample, part in
        let first = groups.group(of: sample) * 3 * channels
        let a = coefficients.extracting(first..<first + channels)
        let b = coefficients.extracting(first + channels..<first + 2 * channels)
        let c = coefficients.extracting(first + 2 * channels..<first + 3 * channels)
        let start = sample * part.count
        for offset in stride(from: 0, to: part.count, by: channels) {
            let value = input.extracting(start + offset..<start + offset + channels)
            let own = gradient.extracting(start + offset..<start + offset + channels)
            var target = part.part(offset..<offset + channels)
            for i in 0..<channels {
                target[i] = c[i].addingProduct(b[i], value[i]).addingProduct(a[i], own[i])
            }
        }
    }
}
