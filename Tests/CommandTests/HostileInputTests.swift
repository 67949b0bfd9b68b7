import Foundation
import TestSupport
import Testing

/// Output for hostile input: one line, without escape sequences, and no crash by a signal.
@Suite(.serialized, .timeLimit(.minutes(30)))
struct HostileInputTests {
    private func run(_ arguments: [String]) async throws -> Command.Outcome {
        try await Command(Command.product("t2fnorm"), arguments, timeLimit: .seconds(60)).run()
    }

    /// Makes small synthetic datasets and applies `change` to the test set's manifest.
    private func withDataset(
        _ change: (inout [String: Any]) -> Void, _ body: (_ folder: String) async throws -> Void
    ) async throws {
        try await withTemporaryFolder { folder in
            let made = try await run([
                "data", "synthesize", folder, "--train-count", "20", "--other-count", "20",
            ])
            #expect(made.exitCode == 0, "\(made.standardError)")
            let manifest = URL(filePath: "\(folder)/test/manifest.json")
            var json = try #require(
                try JSONSerialization.jsonObject(with: Data(contentsOf: manifest)) as? [String: Any])
            change(&json)
            try JSONSerialization.data(withJSONObject: json).write(to: manifest)
            try await body(folder)
        }
    }

    @Test func namesFromAManifestDoNotControlTheTerminal() async throws {
        let attack = "\u{1B}]0;evil\u{7}\u{1B}[2J\nroot# \u{202E}"
        try await withDataset {
            $0["name"] = attack
            $0["source"] = attack
            $0["notes"] = [attack]
            $0["classNames"] = (0..<10).map { "\($0)\(attack)" }
        } _: { folder in
            for command in ["inspect", "verify"] {
                let outcome = try await run(["data", command, "\(folder)/test"])
                #expect(outcome.exitCode == 0, "\(outcome.standardError)")
                let printed = outcome.standardOutput + outcome.standardError
                #expect(
                    !printed.contains("\u{1B}") && !printed.contains("\u{7}") && !printed.contains("\u{202E}")
                )
                #expect(!printed.contains("\nroot#"))
                guard command == "inspect" else { continue }
                #expect(printed.contains("\\x1b[2J\\nroot# \\u{202e}"))
                #expect(printed.contains("note: \\x1b]0;evil\\x07"))
            }
        }
    }

    @Test func errorsDoNotControlTheTerminal() async throws {
        let folder = "/nowhere/\u{1B}[2J\n\u{9B}x"
        for arguments in [
            ["data", "verify", folder], ["data", "inspect", folder], ["train", "--config", folder],
            ["checkpoint", "show", folder], ["train", "--set", "name=\(folder)"],
            ["data", "verify", "--threads", folder],
        ] {
            let outcome = try await run(arguments)
            #expect((2...5).contains(outcome.exitCode), "\(arguments)")
            #expect(!outcome.standardError.contains("\u{1B}"), "\(outcome.standardError)")
            #expect(outcome.standardError.filter(\.isNewline).count == 1, "\(outcome.standardError)")
            #expect(outcome.standardError.contains("\\x1b[2J"), "\(outcome.standardError)")
        }
    }

    /// An earlier version packed the list's line `a/0.jpg 2000000000`.
    @Test func aHugeLabelTakesNoMemory() async throws {
        try await withDataset {
            $0["classCount"] = 2_000_000_001
            $0["classNames"] = [String]()
        } _: { folder in
            for command in ["inspect", "verify"] {
                let outcome = try await run(["data", command, "\(folder)/test"])
                #expect(outcome.exitCode == 3)
                #expect(outcome.standardError.contains("classCount is 2000000001, expected 0 to 16777216"))
            }
        }
        // With the maximum number of classes, only the labels that occur are counted.
        try await withDataset {
            $0["classCount"] = 16_777_216
            $0["classNames"] = [String]()
        } _: { folder in
            let outcome = try await run(["data", "inspect", "\(folder)/test"])
            #expect(outcome.exitCode == 0, "\(outcome.standardError)")
            #expect(
                outcome.standardOutput.contains("16777216 classes of 0 to 2 images, 16777206 without any"))
        }
    }
}
