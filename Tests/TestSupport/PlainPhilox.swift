/// Ten rounds of Philox 4×32, written from the paper's equations, word by word.
///
/// Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as 1, 2, 3", SC 2011, section 3.3.
package func plainPhilox(counter: [UInt32], key: [UInt32]) -> [UInt32] {
    var (c0, c1, c2, c3) = (counter[0], counter[1], counter[2], counter[3])
    var (k0, k1) = (key[0], key[1])
    for _ in 0..<10 {
        let first = UInt32(0xD251_1F53).multipliedFullWidth(by: c0)
        let second = UInt32(0xCD9E_8D57).multipliedFullWidth(by: c2)
        (c0, c1, c2, c3) = (second.high ^ c1 ^ k0, second.low, first.high ^ c3 ^ k1, first.low)
        k0 &+= 0x9E37_79B9
        k1 &+= 0xBB67_AE85
    }
    return [c0, c1, c2, c3]
}
