internal import CBuildFeatures
internal import Checkpoints
internal import Checksums
internal import Cluster
internal import Failures
internal import Foundation
internal import Kernels
internal import RunConfiguration
internal import Software

/// What must be equal on all ranks of a run; compared before the run starts.
struct RankIdentity: Codable, Equatable {
    var host: String
    /// Checksum of the program.
    var program: String
    var version: String
    /// The instruction sets that the program was built for.
    var build: UInt64
    /// The resolved settings as YAML.
    var configuration: String
    /// Fingerprints of the training and the validation set.
    var data: [String]
    /// The BLAS library's core, its code for this processor. Other cores round differently, which
    /// matters if the library computes convolutions.
    var blasCore: String
    var threads: Int
    /// Seconds since 1970.
    var time: Double

    /// Larger differences between clocks, in seconds, are reported.
    private static let clockTolerance = 5.0

    init(
        _ configuration: RunConfiguration, data: [String], threads: Int, communicator: any Communicator
    ) throws {
        host = communicator.hostName
        program = try Self.programChecksum()
        version = softwareVersion
        build = build_features
        self.configuration = configuration.yaml
        self.data = data
        blasCore = libraryCoreName()
        self.threads = threads
        time = Date().timeIntervalSince1970
    }

    /// Compares the ranks. Collective, because builds for different processors run a probe step to
    /// show that they compute the same bits.
    ///
    /// - Returns: Notices about differences that do not change the result.
    /// - Throws: `JobFailure`, the same on all ranks, if they would not make one run.
    static func compare(_ ranks: [RankIdentity], on communicator: any Communicator) throws -> [String] {
        let builds = try comparePrograms(ranks, on: communicator)
        return try builds + compare(ranks)
    }

    /// Programs may be built for different processors, if a step of a small network has the same
    /// bits on all of them.
    private static func comparePrograms(
        _ ranks: [RankIdentity], on communicator: any Communicator
    ) throws -> [String] {
        let programs = Dictionary(grouping: ranks.indices) { ranks[$0].build }.mapValues { members in
            Set(members.map { ranks[$0].program + ranks[$0].version })
        }
        let versions = Set(ranks.map(\.version))
        guard programs.count > 1 && versions.count == 1 && programs.values.allSatisfy({ $0.count == 1 })
        else {
            try refuse(
                ranks, \.program, code: ExitCode.environment, what: "another program",
                "install the same version on all hosts, or for each kind of processor one build of it")
            return []
        }
        let own = try ArithmeticProbe().fingerprint
        let all = try communicator.allGather(Array((own + "\n").utf8).span)
        let fingerprints = String(decoding: all, as: UTF8.self).split(separator: "\n")
        if let other = fingerprints.firstIndex(where: { $0 != fingerprints[0] }) {
            throw JobFailure(
                rank: 0, exitCode: ExitCode.environment,
                message: """
                    rank \(other) (\(ranks[other].host)) computes other bits (\(fingerprints[other])) than rank 0 \
                    (\(ranks[0].host), \(fingerprints[0])); build the same source with the same compiler for all hosts
                    """)
        }
        return [
            "ranks run builds for \(programs.count) kinds of processor; a step of a small network has the same bits on all of them"
        ]
    }

    /// Compares the BLAS cores, for a run whose convolutions the BLAS library computes.
    ///
    /// - Throws: `JobFailure`, the same on all ranks, if the library rounds differently on one of
    ///   them.
    static func compareLibraries(_ ranks: [RankIdentity]) throws {
        try refuse(
            ranks, \.blasCore, code: ExitCode.environment, what: "another BLAS core",
            "set OPENBLAS_CORETYPE to the same value on all hosts, or compute.convolution to another algorithm than library"
        )
    }

    /// The comparisons that need no further message.
    private static func compare(_ ranks: [RankIdentity]) throws -> [String] {
        try refuseConfigurations(ranks)
        try refuse(
            ranks, \.data, code: ExitCode.data, what: "other data",
            "pack the datasets once and give all hosts the same folder or copies of it")
        var notices: [String] = []
        if let difference = difference(ranks, \.threads) {
            notices.append(
                "\(difference) threads, rank 0 has \(ranks[0].threads): the slowest rank sets the pace")
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

    /// Text that names the ranks that differ from rank 0, their hosts and the first one's value.
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
