internal import Checksums
internal import Cluster
internal import Foundation
internal import Kernels
internal import RunConfiguration

/// What ranks must have alike for a run to be one run, compared before it starts.
struct RankIdentity: Codable, Equatable {
    var host: String
    /// Checksum of the program.
    var program: String
    /// The resolved settings as YAML.
    var configuration: String
    /// Fingerprints of the training and the validation set.
    var data: [String]
    /// The BLAS library's code for this processor; others round otherwise.
    var blasCore: String
    var threads: Int
    /// Seconds since 1970.
    var time: Double

    /// Clocks further apart than this are told.
    private static let clockTolerance = 5.0

    init(
        _ configuration: RunConfiguration, data: [String], threads: Int, communicator: any Communicator
    ) throws {
        host = communicator.hostName
        program = try Self.programChecksum()
        self.configuration = configuration.yaml
        self.data = data
        blasCore = libraryCoreName()
        self.threads = threads
        time = Date().timeIntervalSince1970
    }

    /// Compares the ranks; collective.
    ///
    /// - Returns: What the user should know, though the result is the same.
    /// - Throws: `JobFailure`, the same on all ranks, if they would not make one run.
    func agree(_ communicator: any Communicator) throws -> [String] {
        let line = try JSONEncoder().encode(self) + Data("\n".utf8)
        let all = try communicator.allGather(Array(line).span)
        return try Self.compare(
            try all.split(separator: UInt8(ascii: "\n")).map {
                try JSONDecoder().decode(RankIdentity.self, from: Data($0))
            })
    }

    /// As `agree`, for what the ranks, rank 0 first, have sent.
    static func compare(_ ranks: [RankIdentity]) throws -> [String] {
        try refuse(
            ranks, \.program, code: ExitCode.environment, what: "another program",
            "install the same build on all hosts")
        try refuseConfigurations(ranks)
        try refuse(
            ranks, \.data, code: ExitCode.data, what: "other data",
            "pack the datasets once and give all hosts the same folder or copies of it")
        try refuse(
            ranks, \.blasCore, code: ExitCode.environment, what: "another BLAS core",
            "set OPENBLAS_CORETYPE to the same value on all hosts")
        var notices: [String] = []
        if let difference = difference(ranks, \.threads) {
            notices.append(
                "\(difference) threads than rank 0 with \(ranks[0].threads): the slowest rank sets the pace")
        }
        let times = ranks.map(\.time)
        if let first = times.min(), let last = times.max(), last - first > clockTolerance {
            let late = ranks[times.firstIndex(of: last)!].host
            let early = ranks[times.firstIndex(of: first)!].host
            notices.append(
                "the clocks of \(early) and \(late) are \(Int(last - first)) s apart: times in logs are, too")
        }
        return notices
    }

    /// The ranks that differ from rank 0, by what and with their hosts.
    private static func difference<Value: Equatable>(
        _ ranks: [RankIdentity], _ value: KeyPath<RankIdentity, Value>
    ) -> String? {
        let others = ranks.indices.filter { ranks[$0][keyPath: value] != ranks[0][keyPath: value] }
        guard let first = others.first else { return nil }
        let names = others.prefix(8).map { "\($0) (\(ranks[$0].host))" }.joined(separator: ", ")
        let more = others.count > 8 ? " and \(others.count - 8) more" : ""
        return """
            \(others.count == 1 ? "rank" : "ranks") \(names)\(more) \(others.count == 1 ? "has" : "have") \
            \(ranks[first][keyPath: value])
            """
    }

    private static func refuse<Value: Equatable>(
        _ ranks: [RankIdentity], _ value: KeyPath<RankIdentity, Value>, code: Int32, what: String,
        _ remedy: String
    ) throws {
        guard let difference = difference(ranks, value) else { return }
        throw JobFailure(
            rank: 0, exitCode: code,
            message: """
                \(difference), \(what) than rank 0 (\(ranks[0].host)), which has \(ranks[0][keyPath: value]); \(remedy)
                """)
    }

    private static func refuseConfigurations(_ ranks: [RankIdentity]) throws {
        guard let other = ranks.indices.first(where: { ranks[$0].configuration != ranks[0].configuration })
        else { return }
        let load = { (rank: Int) in
            try RunConfiguration(yaml: ranks[rank].configuration, file: "the settings of rank \(rank)")
        }
        let differences = try load(other).differences(from: try load(0))
            .map { "\($0.key) is \($0.mine), on rank 0 \($0.theirs)" }
        throw JobFailure(
            rank: 0, exitCode: ExitCode.usage,
            message: """
                rank \(other) (\(ranks[other].host)) has other settings than rank 0 (\(ranks[0].host)): \
                \(differences.joined(separator: "; ")); give all hosts the same configuration files
                """)
    }

    private static func programChecksum() throws -> String {
        let program = try Data(contentsOf: URL(filePath: "/proc/self/exe"), options: .alwaysMapped)
        var checksum = CRC64()
        checksum.update(program.bytes)
        return checksum.hexadecimal
    }
}
