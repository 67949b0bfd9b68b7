import Files
import Foundation
import Testing

@Suite(.serialized, .timeLimit(.minutes(30))) struct FileWaitTests {
    /// Other tests of this process may be in calls of their own, but none waits for this path.
    @Test func theCallThatWaitsLongestIsKnown() {
        #expect(FileWait.longest?.path != "/first")
        FileWait.during("/first") {
            let first = FileWait.longest
            FileWait.during("/second") { #expect(FileWait.longest?.start ?? .now <= first?.start ?? .now) }
            #expect(first != nil)
        }
        #expect(FileWait.longest?.path != "/first")
    }

    @Test func whatTheSystemSaidStays() {
        let code = FileWait.during("/nowhere") { unsafe open("/nowhere", O_RDONLY) }
        #expect(code == -1 && errno == ENOENT)
    }
}
