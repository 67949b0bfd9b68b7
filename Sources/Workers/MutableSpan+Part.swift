extension MutableSpan where Element: ~Copyable {
    /// A mutable span of the elements in `range`; this span cannot be used while that one exists.
    @inlinable @_lifetime(&self)
    package mutating func part(_ range: Range<Int>) -> MutableSpan<Element> {
        _mutatingExtracting(range)
    }
}
