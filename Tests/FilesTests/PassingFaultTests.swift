import Files
import Foundation
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(30)))
struct PassingFaultTests {
    @Test(arguments: [EAGAIN, EIO, ESTALE, ETIMEDOUT])
    func whatPassesIsTriedAgain(code: Int32) {
        var (tries, renewals) = (0, 0)
        let renew = { renewals += 1 }
        let result = PassingFault.retry(renewing: renew) {
            tries += 1
            errno = code
            return tries < 3 ? -1 : 7
        }
        #expect(result == 7 && tries == 3)
        #expect(renewals == (code == ESTALE ? 2 : 0))
        #expect(PassingFault.isSystemFault(code))
    }

    @Test func whatStaysIsTheLastTrysFailure() {
        var tries = 0
        let result = PassingFault.retry { () -> Int32 in
            tries += 1
            errno = EIO
            return -1
        }
        #expect(result == -1 && errno == EIO && tries == 6)
    }

    @Test(arguments: [ENOENT, EACCES, EISDIR, ENOSPC])
    func whatIsTheFilesOwnFaultIsNotTriedAgain(code: Int32) {
        var tries = 0
        let result = PassingFault.retry { () -> Int in
            tries += 1
            errno = code
            return -1
        }
        #expect(result == -1 && errno == code && tries == 1)
        #expect(!PassingFault.isSystemFault(code))
    }

    @Test func anInterruptedCallIsMadeAgainAsOftenAsItTakes() {
        var tries = 0
        let result = PassingFault.retry {
            tries += 1
            errno = EINTR
            return tries < 100 ? -1 : 0
        }
        #expect(result == 0 && tries == 100)
    }

    /// A missing folder has no names; one that cannot be listed is an error.
    @Test func whatIsMissingIsNotWhatCannotBeSeen() throws {
        try withTemporaryFolder { folder in
            try writeFile("x", to: "\(folder)/a/file")
            #expect(try namesInFolder("\(folder)/a") == ["file"])
            #expect(try namesInFolder("\(folder)/b") == [])
            #expect(throws: FileError.self) { try namesInFolder("\(folder)/a/file") }
            #expect(try contents(of: "\(folder)/a/file") == Array("x".utf8))
            #expect(try contents(of: "\(folder)/a/none") == nil)
            #expect(throws: FileError.self) { try contents(of: "\(folder)/a") }
            #expect(try fileExists("\(folder)/a"))
            #expect(try !fileExists("\(folder)/b"))
        }
    }

    /// A stale descriptor keeps its number and refers to the reopened file, if that is still the
    /// same file.
    @Test func aStaleDescriptorIsRenewedByTheSameFileAlone() throws {
        try withTemporaryFolder { folder in
            for name in ["one", "other"] { try writeFile(name, to: "\(folder)/\(name)") }
            let open = { (name: String) in unsafe Foundation.open("\(folder)/\(name)", O_RDONLY | O_CLOEXEC) }
            let descriptor = open("one")
            defer { _ = close(descriptor) }
            let identity = try #require(FileIdentity(of: descriptor))
            #expect(!identity.renew(descriptor, by: open("other")))
            #expect(!identity.renew(descriptor, by: -1))
            _ = lseek(descriptor, 2, SEEK_SET)
            #expect(identity.renew(descriptor, by: open("one")))
            #expect(lseek(descriptor, 0, SEEK_CUR) == 0)
            #expect(FileIdentity(of: descriptor) == identity)
            #expect(fcntl(descriptor, F_GETFD) == FD_CLOEXEC)
        }
    }
}
