extension MutableSpan where Element: ~Copyable {
    /// The elements at `range`, to change; this span cannot be used while the part is.
    @inlinable @_lifetime(&self)
    public mutating func part(_ range: Range<Int>) -> MutableSpan<Element> {
        _mutatingExtracting(range)
    }
}
