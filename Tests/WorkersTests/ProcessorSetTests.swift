import Foundation
import Testing
import Workers

@Suite(.timeLimit(.minutes(30)))
struct ProcessorSetTests {
    @Test(arguments: [
        ("0", [0]), ("0-3,8", [0, 1, 2, 3, 8]), ("5,0-1\n", [0, 1, 5]), ("", []),
        ("2046-2048", [2046, 2047, 2048]),
    ])
    func readsTheKernelsList(text: String, numbers: [Int]) throws {
        let set = try #require(ProcessorSet(text))
        #expect(set.numbers == Set(numbers))
        #expect(ProcessorSet(set.description) == set)
    }

    @Test(arguments: ["a", "3-1", "1-2-3", "-1", "1-", "0-99999999999"])
    func otherTextIsNoList(text: String) {
        #expect(ProcessorSet(text) == nil)
    }

    @Test func isWrittenAsRangesAndComesBackFromJSON() throws {
        let set = ProcessorSet([9, 1, 0, 2, 64, 65])
        #expect(set.description == "0-2,9,64-65")
        let json = try JSONEncoder().encode([set])
        #expect(String(decoding: json, as: UTF8.self) == #"["0-2,9,64-65"]"#)
        #expect(try JSONDecoder().decode([ProcessorSet].self, from: json) == [set])
    }

    /// A machine with more processors than the 1,024 of glibc's `cpu_set_t`.
    @Test func aMaskMayHaveMoreThanAThousandBits() {
        var words = [UInt](repeating: 0, count: 64)
        words[0] = 0b1001
        words[16] = 1
        words[63] = 1 << 63
        #expect(ProcessorSet(mask: words).numbers == [0, 3, 1024, 4095])
    }

    /// Compares with the kernel's text for the same mask, of this thread, since other threads may
    /// have masks of their own.
    @Test func theAffinityIsTheKernels() throws {
        let affinity = ProcessorSet.affinity()
        let status = try String(contentsOfFile: "/proc/thread-self/status", encoding: .utf8)
        let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("Cpus_allowed_list:") })
        let allowed = try #require(ProcessorSet(line.dropFirst("Cpus_allowed_list:".count)))
        #expect(!affinity.numbers.isEmpty && affinity.numbers.isSubset(of: allowed.numbers))
    }
}
