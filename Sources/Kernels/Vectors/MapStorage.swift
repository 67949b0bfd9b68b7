internal import CProcessor

/// How the elements of a map, shape `[N, H, W, C]`, lie in memory.
package enum MapStorage: Sendable {
    /// 32 bits an element.
    case float32
    /// The upper 16 bits of an element, rounded to nearest, ties to even; two elements share a float's
    /// place. For `C` a multiple of `channelMultiple`.
    case bfloat16

    /// Maps in 16 bits have a multiple of so many channels.
    package static let channelMultiple = vectorWidth

    /// Floats whose place `count` elements take.
    package func floatCount(_ count: Int) -> Int {
        switch self {
        case .float32: count
        case .bfloat16: (count + 1) / 2
        }
    }
}

/// A map in memory, for reading.
package struct MapSpan: ~Escapable, Sendable {
    /// The elements, or the places of pairs of them.
    let floats: Span<Float>
    let storage: MapStorage

    /// - Parameter floats: Room for at least the elements that are read.
    @_lifetime(copy floats)
    package init(_ floats: Span<Float>, _ storage: MapStorage = .float32) {
        self.floats = floats
        self.storage = storage
    }

    /// No elements.
    @_lifetime(immortal)
    package init() {
        floats = Span()
        storage = .float32
    }

    package var isEmpty: Bool { floats.isEmpty }

    /// Sixteen elements from `index` on.
    @inline(__always)
    func vector(at index: Int) -> Vector { floats.vector(at: index, storage) }

    /// The element at `index`.
    @inline(__always)
    func element(at index: Int) -> Float {
        assert(storage == .float32, "single elements of a map in 16 bits")
        return floats.element(at: index)
    }

    /// Prefetches the cache line of the element at `index`, which may be out of bounds.
    @inline(__always)
    func prefetch(at index: Int) { floats.prefetch(at: storage == .float32 ? index : index &>> 1) }
}

/// How a map is written.
struct MapWriting: Sendable {
    var storage = MapStorage.float32
    /// Whether it is written with non-temporal stores, past the caches.
    var passesCaches = false
}

extension Span<Float> {
    /// Sixteen elements of a map from `index` on.
    @inline(__always)
    func vector(at index: Int, _ storage: MapStorage) -> Vector {
        guard storage == .bfloat16 else { return vector(at: index) }
        assert(index >= 0 && index + vectorWidth <= 2 * count, "elements from \(index) on of \(2 * count)")
        return unsafe withUnsafeBufferPointer {
            let upper = unsafe UnsafeRawPointer($0.baseAddress.unsafelyUnwrapped).loadUnaligned(
                fromByteOffset: 2 * index, as: SIMD16<UInt16>.self)
            return floatsOfUpperHalves(upper)
        }
    }
}

extension MutableSpan<Float> {
    /// Overwrites sixteen elements of a map from `index` on.
    @inline(__always)
    mutating func store(_ vector: Vector, at index: Int, as writing: MapWriting) {
        guard writing.storage == .bfloat16 else {
            store(vector, at: index, pastCaches: writing.passesCaches)
            return
        }
        assert(index >= 0 && index + vectorWidth <= 2 * count, "elements from \(index) on of \(2 * count)")
        unsafe withUnsafeMutableBufferPointer {
            unsafe UnsafeMutableRawPointer($0.baseAddress.unsafelyUnwrapped).storeBytes(
                of: vector.roundedToUpperBits, toByteOffset: 2 * index, as: SIMD16<UInt16>.self)
        }
    }
}

extension MutableSpan<Float> {
    /// Whether a map is written past the caches if it takes all of the span. Sixteen elements of 16
    /// bits are half of a cache line, so they are not.
    mutating func isWrittenPastCaches(as storage: MapStorage) -> Bool {
        storage == .float32 && isWrittenPastCaches
    }
}

extension Vector {
    /// The upper 16 bits of each element, rounded to nearest, ties to even; NaN stays NaN.
    @inline(__always)
    var roundedToUpperBits: SIMD16<UInt16> {
        let bits: SIMD16<UInt32> = self.bits
        let odd: SIMD16<UInt32> = (bits &>> 16) & SIMD16<UInt32>(repeating: 1)
        let half = SIMD16<UInt32>(repeating: 0x7fff)
        var rounded: SIMD16<UInt32> = bits &+ half &+ odd
        rounded.replace(with: SIMD16<UInt32>(repeating: 0x7fc0_0000), where: self .!= self)
        return upperHalvesOf(rounded)
    }
}
