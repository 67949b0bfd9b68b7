extension Duration {
    package var inSeconds: Double { self / .seconds(1) }

    /// Rounded towards zero.
    package var nanoseconds: Int64 { Int64(attoseconds / 1_000_000_000) }
}
