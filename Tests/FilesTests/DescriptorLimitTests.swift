import Files
import Foundation
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(30)))
struct DescriptorLimitTests {
    @Test(arguments: [EMFILE, ENFILE]) func bothLimitsAreKnown(code: Int32) {
        #expect(DescriptorLimit.isReached(code))
        #expect(!DescriptorLimit.isReached(ENOENT))
    }

    @Test func theSystemsMessageNamesTheLimitAndLeavesTheCode() {
        errno = EMFILE
        let own = systemMessage()
        #expect(errno == EMFILE)
        #expect(
            own.hasPrefix(
                "too many open files: the limit is \(DescriptorLimit.soft) (ulimit -n; the hard limit"))
        #expect(own.contains(" are open (") && own.hasSuffix("as by 'ulimit -n 4096'"), "\(own)")
        errno = ENFILE
        let host = systemMessage()
        #expect(host.hasPrefix("too many open files on this host: its limit (sysctl fs.file-max) is reached"))
        #expect(host.hasSuffix("raise that limit or end other programs"), "\(host)")
        errno = ENOENT
        #expect(systemMessage() == "no such file or directory")
    }

    @Test func theSoftLimitBecomesTheHardOne() async {
        await #expect(processExitsWith: .success) {
            let limit = useUpDescriptors()
            precondition(DescriptorLimit.soft == limit && DescriptorLimit.hard > limit)
            DescriptorLimit.raise()
            precondition(DescriptorLimit.soft == DescriptorLimit.hard)
        }
    }

    @Test func aFileThatCannotBeOpenedForWantOfDescriptorsSaysSo() async {
        await #expect(processExitsWith: .success) {
            let limit = useUpDescriptors()
            do throws(FileError) {
                _ = try InputFile(opening: "/dev/null")
                preconditionFailure("it was opened")
            } catch {
                precondition(error.isSystemFault && !"\(error)".contains("disk"), "\(error)")
                precondition(error.reason.contains("the limit is \(limit) (ulimit -n"), "\(error)")
            }
        }
    }
}
