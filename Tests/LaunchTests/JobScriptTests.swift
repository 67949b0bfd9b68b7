import Foundation
import TestSupport
import Testing

/// `launch/train` and `launch/evaluate` with a mock program or a mock mpirun.
@Suite(.timeLimit(.minutes(30)))
struct JobScriptTests {
    @Test func aRankIsAnyProgramThatMpirunStarted() async throws {
        try await JobFolder.with { folder in
            try folder.script("program", "exec sleep 9")
            // Two hosts; one is reached by a command without a rank's environment.
            try folder.script(
                "bin/mpirun",
                """
                sleep 60 & agent=$!
                OMPI_COMM_WORLD_RANK=0 "$T2FNORM" & wait $!
                kill $agent
                """)
            let hosts = try folder.hosts("localhost\nelsewhere\n")
            let outcome = try await folder.bash("$launch/train --hostfile \(hosts) --threads 1 --start 5")
            #expect(outcome.exitCode == 0, "\(outcome.standardError)")
        }
    }

    @Test func aJobThatStartsNoRankEndsAndNamesTheFolderOfItsFiles() async throws {
        try await JobFolder.with { folder in
            try folder.script("program", "")
            try folder.script("bin/mpirun", "exec sleep 600")
            let outcome = try await folder.bash("$launch/train --threads 1 --start 1")
            #expect(outcome.exitCode == 6)
            #expect(
                outcome.standardError.contains(
                    /no rank has started here in 1 s, so mpirun cannot start it: TMPDIR is \/.*, \d+ MB and \d+ files left/
                ),
                "\(outcome.standardError)")
        }
    }

    /// Open MPI 4.1 waits for ever if a rank could not create its files.
    @Test func anMpirunThatOutlivesItsRanksIsEnded() async throws {
        try await JobFolder.with { folder in
            // It ends only below `sleep`: bash would wait for it, and leave no zombie.
            try folder.script(
                "program", "until [[ $(</proc/$PPID/comm) == sleep ]]; do sleep 0.1; done; exit 1")
            try folder.script("bin/mpirun", #"OMPI_COMM_WORLD_RANK=0 "$T2FNORM" & exec sleep 600"#)
            let outcome = try await folder.bash("$launch/train --threads 1 --grace 1")
            #expect(outcome.exitCode == 6)
            #expect(
                outcome.standardError.contains(
                    "after the ranks here have: it waits for nothing (TMPDIR is /"),
                "\(outcome.standardError)")
        }
    }

    @Test func aFolderWithoutRoomIsToldBeforeTheStart() async throws {
        try await JobFolder.with { folder in
            try folder.script("program", "")
            try folder.script("bin/mpirun", "touch started")
            let outcome = try await folder.bash(
                "$launch/train", ["OMPI_MCA_orte_tmpdir_base": "\(folder.path)/nowhere"])
            #expect(outcome.exitCode == 6 && !folder.hasFile("started"))
            #expect(
                outcome.standardError.contains("TMPDIR is \(folder.path)/nowhere, 0 MB and "),
                "\(outcome.standardError)")
        }
    }

    // MARK: - Messages of mpirun

    @Test func tooFewSlotsAreToldAndNoReasonToTryAgain() async throws {
        try await JobFolder.with { folder in
            try folder.script("program", "")
            let hosts = try folder.hosts("localhost slots=1\n")
            let outcome = try await folder.bash(
                "$launch/supervise --back-off 0 --hostfile \(hosts) --ranks-per-host 2 --threads 1 --bind core",
                ["OMPI_MCA_rmaps_base_oversubscribe": "0"])
            #expect(outcome.exitCode == 2, "\(outcome.standardError)")
            #expect(
                outcome.standardError.contains("There are not enough slots available")
                    && !outcome.standardError.contains("restart"), "\(outcome.standardError)")
        }
    }

    @Test func onlyTheProgramsOwnReasonIsShownWhereItHasOne() async throws {
        try await JobFolder.with { folder in
            try folder.script("program", #"echo "t2fnorm: no such data" >&2; exit 3"#)
            let reported = try await folder.bash("$launch/train --ranks-per-host 1 --threads 1 --grace 1")
            #expect(
                reported.exitCode == 3 && reported.standardError == "t2fnorm: no such data\n",
                "\(reported.standardError)"
            )
            try folder.script("program", "kill -KILL $$")
            let killed = try await folder.bash("$launch/train --ranks-per-host 1 --threads 1 --grace 1")
            #expect(killed.exitCode == 137)
            #expect(killed.standardError.contains("signal 9 (K"), "\(killed.standardError)")
        }
    }

    @Test func textBetweenRulesThatDoNotCloseIsNotLost() async throws {
        try await JobFolder.with { folder in
            let rule = String(repeating: "-", count: 74)
            let lines = """
                source $launch/common.sh
                { echo before; echo '\(rule)'; echo said; sleep 4; echo after; echo '\(rule)'; printf open; } |
                    sift . 2>&1
                """
            let outcome = try await folder.bash(lines)
            #expect(
                outcome.standardOutput == "before\n\(rule)\nsaid\nafter\n\(rule)\nopen\n",
                "\(outcome.standardError)")
        }
    }

    // MARK: - Hosts and cores

    @Test(arguments: [
        "\u{FEFF}localhost slots=2\r\n", "localhost slots=2\r", "# ours\r\n\r\nlocalhost slots=2",
    ])
    func aHostfileOfAnyEditorIsRead(text: String) async throws {
        try await JobFolder.with { folder in
            try folder.script("program", #"echo "$@""#)
            let hosts = try folder.hosts(text)
            let outcome = try await folder.bash(
                "$launch/train --hostfile \(hosts) --ranks-per-host 1 --threads 1 --set seed=1")
            #expect(outcome.exitCode == 0, "\(outcome.standardError)")
            #expect(outcome.standardOutput == "train --set seed=1\n")
        }
    }

    /// A node of four cores with two hardware threads each, under Slurm.
    @Test func anEvaluationUnderSlurmTakesCoresAndTheFolderItWasSubmittedFrom() async throws {
        try await JobFolder.with { folder in
            try folder.script("program", "")
            try folder.script("bin/taskset", "echo \"pid 1's current affinity list: 0-7\"")
            try folder.script("bin/lscpu", "for i in {0..7}; do echo $i,$((i % 4)),0; done")
            try folder.script("bin/mpirun", #"echo "$PWD: $*""#)
            let outcome = try await folder.bash(
                "bash $cluster/slurm/evaluate.sbatch runs/r --score msp",
                [
                    "T2FNORM_ROOT": packageRoot.path, "SLURM_SUBMIT_DIR": folder.path, "SLURM_JOB_ID": "1",
                    "SLURM_JOB_NUM_NODES": "2", "SLURM_CPUS_ON_NODE": "8",
                ])
            #expect(outcome.exitCode == 0, "\(outcome.standardError)")
            #expect(
                outcome.standardOutput.hasPrefix(
                    "\(folder.path): -n 2 --map-by ppr:1:node:PE=4 --bind-to core"))
            #expect(
                outcome.standardOutput.hasSuffix("program evaluate runs/r --score msp\n"),
                "\(outcome.standardOutput)")
        }
    }

    // MARK: - Stops

    @Test func aStopBeforeTheStartIsNotLost() async throws {
        try await JobFolder.with { folder in
            try folder.script("program", "")
            try folder.script("bin/lscpu", "touch looking; sleep 1; exec /usr/bin/lscpu \"$@\"")
            try folder.script("bin/mpirun", "touch started")
            let outcome = try await folder.bash(
                """
                $launch/train & job=$!
                until [[ -e looking ]]; do sleep 0.05; done
                kill -TERM $job; wait $job
                """)
            #expect(outcome.exitCode == 75 && !folder.hasFile("started"), "\(outcome.standardError)")
            #expect(outcome.standardError.contains("stopped by SIGTERM before the start"))
        }
    }

    /// The signal would end a rank that does not catch it yet.
    @Test func aStopReachesRanksOnceTheyCatchIt() async throws {
        try await JobFolder.with { folder in
            try folder.script(
                "program", "touch started; sleep 3; trap 'exit 75' USR1; while :; do sleep 0.1; done")
            let outcome = try await folder.bash(
                """
                $launch/train --ranks-per-host 1 --threads 1 --grace 1 & job=$!
                until [[ -e started ]]; do sleep 0.05; done
                kill -USR2 $job; wait $job
                """)
            #expect(outcome.exitCode == 75, "\(outcome.standardError)")
        }
    }

    @Test(arguments: ["train", "supervise"]) func oneInterruptIsAStopAndASecondEndsAtOnce(script: String)
        async throws
    {
        try await JobFolder.with { folder in
            try folder.script(
                "program",
                """
                trap 'exit 9' INT TERM HUP
                trap 'touch saving; [[ -n ${endless:-} ]] || { sleep 2; touch saved; exit 75; }' USR1
                touch started.$OMPI_COMM_WORLD_RANK
                while :; do sleep 0.1; done
                """)
            let pressed = """
                mkfifo keys; exec 9<>keys
                # Bash lets what it starts in the background ignore SIGINT, as may what has started the tests.
                # A shell that waits for the job, as dash does for one that is not exec'd, would be interrupted itself.
                (exec env --default-signal=INT,QUIT script --quiet --return --command \
                    "exec $launch/\(script) --ranks-per-host 2 --threads 1 --grace 1" /dev/null) <keys >out & job=$!
                until [[ -e started.0 && -e started.1 ]]; do sleep 0.05; done
                printf '\\003' >&9
                until [[ -e saving ]]; do sleep 0.05; done
                @second wait $job
                """
            let one = try await folder.bash(pressed.replacing("@second", with: ""), ["TERM": "xterm"])
            #expect(one.exitCode == 75, "\(folder.text("out"))\(one.standardError)")
            #expect(folder.hasFile("saved"))
            for name in ["keys", "saving", "saved", "started.0", "started.1"] {
                try FileManager.default.removeItem(atPath: "\(folder.path)/\(name)")
            }
            let two = try await folder.bash(
                pressed.replacing("@second", with: "printf '\\003' >&9;"),
                ["endless": "yes", "TERM": "xterm"])
            #expect(two.exitCode == 130, "\(folder.text("out"))\(two.standardError)")
            #expect(!folder.hasFile("saved"))
        }
    }
}
