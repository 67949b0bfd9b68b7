import Foundation
import TestSupport
import Testing

/// `launch/supervise` with a mock mpirun.
@Suite(.timeLimit(.minutes(30)))
struct SuperviseTests {
    @Test(arguments: ["node1\nnode2", "node1\r\nnode2 slots=4\r\n", "\u{FEFF}node1\n\n# the last\nnode2"])
    func everyHostOfAHostfileIsUsed(text: String) async throws {
        try await JobFolder.with { folder in
            try folder.script("program", "")
            try folder.script(
                "bin/mpirun",
                #"while [[ $1 != --hostfile ]]; do [[ $1 != -n ]] || echo "ranks: $2"; shift; done; awk '{ print $1 }' "$2""#
            )
            let hosts = try folder.hosts(text)
            let outcome = try await folder.bash(
                "$launch/supervise --hostfile \(hosts) --ranks-per-host 1 --threads 1",
                ["T2FNORM_PROBE": "true"])
            #expect(outcome.exitCode == 0, "\(outcome.standardError)")
            #expect(outcome.standardOutput == "ranks: 2\nnode1\nnode2\n")
        }
    }

    @Test func hostsThatDoNotAnswerAreLeftOut() async throws {
        try await JobFolder.with { folder in
            try folder.script("program", "")
            try folder.script("probe", #"[[ $1 != node2 ]]"#)
            try folder.script("bin/mpirun", #"while [[ $1 != --hostfile ]]; do shift; done; cat "$2""#)
            let hosts = try folder.hosts("node1 slots=2\nnode2 slots=2\nnode3 slots=2\nnode4 slots=2\n")
            let outcome = try await folder.bash(
                "$launch/supervise --hostfile \(hosts) --ranks-per-host 2 --threads 1",
                ["T2FNORM_PROBE": "\(folder.path)/probe"])
            #expect(outcome.standardOutput == "node1 slots=2\nnode3 slots=2\n", "\(outcome.standardError)")
            #expect(outcome.standardError.contains("host node2 does not answer"))
            #expect(outcome.standardError.contains("3 hosts answer, using 2 of them"))
        }
    }

    @Test func numbersAreDecimalAndALineOfALogHasATime() async throws {
        try await JobFolder.with { folder in
            try folder.script("program", "")
            try folder.script("bin/mpirun", "[[ -e failed ]] || { touch failed; exit 6; }")
            let outcome = try await folder.bash(
                "$launch/supervise --restarts 08 --back-off 00 --ranks-per-host 01")
            #expect(outcome.exitCode == 0, "\(outcome.standardError)")
            #expect(
                outcome.standardError.contains(
                    /(?m)^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\S* supervise: ended with exit code 6 after \d+ s; restart 1 of 8 in 0 s$/
                ),
                "\(outcome.standardError)")
        }
    }

    @Test func aStopDuringTheProbesEndsWithoutAStart() async throws {
        try await JobFolder.with { folder in
            try folder.script("program", "")
            try folder.script("probe", "touch probing; exec sleep 10")
            try folder.script("bin/mpirun", "touch started")
            let hosts = try folder.hosts("node1\nnode2\n")
            let outcome = try await folder.bash(
                """
                $launch/supervise --hostfile \(hosts) & job=$!
                until [[ -e probing ]]; do sleep 0.05; done
                kill -TERM $job; wait $job
                """, ["T2FNORM_PROBE": "\(folder.path)/probe"])
            #expect(outcome.exitCode == 75 && !folder.hasFile("started"), "\(outcome.standardError)")
            #expect(outcome.standardError.contains("stopped by SIGTERM while no job ran"))
        }
    }

    @Test func aStopDuringTheBackOffEndsWithoutAnotherStart() async throws {
        try await JobFolder.with { folder in
            try folder.script("program", "")
            try folder.script("bin/mpirun", "echo start >>starts; exit 6")
            let outcome = try await folder.bash(
                """
                $launch/supervise --back-off 300 2>said & job=$!
                until grep -q 'restart 1 of' said; do sleep 0.05; done
                kill -USR1 $job; wait $job
                """)
            #expect(outcome.exitCode == 75)
            #expect(try String(contentsOfFile: "\(folder.path)/starts", encoding: .utf8) == "start\n")
        }
    }

    @Test func aProgramThatIsNotThereIsNotTriedAgain() async throws {
        try await JobFolder.with { folder in
            let outcome = try await folder.bash(
                "$launch/supervise --back-off 0 --threads 0x", ["PATH": "/usr/bin:/bin"])
            #expect(
                outcome.exitCode == 2 && !outcome.standardError.contains("restart"),
                "\(outcome.standardError)")
        }
    }
}
