import Testing
import Workers

/// Reads fake system files that imitate those of other machines.
@Suite(.timeLimit(.minutes(30)))
struct CPUTopologyTests {
    @Test(arguments: ["core_cpus_list", "thread_siblings_list"])
    func hardwareThreadsOfACoreCountOnce(name: String) throws {
        try FakeSystem.with { system in
            try system.writeTwoThreadsACore(cores: 64, name: name)
            let whole = CPUTopology(affinity: ProcessorSet(0..<128), root: system.root)
            #expect(whole.cores == ProcessorSet(0..<64) && whole.processorCount == 128)
            // The second threads of three cores, and the first of one of them.
            let part = CPUTopology(affinity: ProcessorSet([64, 65, 66, 1]), root: system.root)
            #expect(part.cores == ProcessorSet(0..<3) && part.processorCount == 4)
        }
    }

    @Test func everyProcessorCountsWhereNothingSaysWhichCoreItIsOf() throws {
        try FakeSystem.with { system in
            let topology = CPUTopology(affinity: ProcessorSet([2, 3, 1500]), root: system.root)
            #expect(topology == CPUTopology(cores: ProcessorSet([2, 3, 1500]), processorCount: 3))
        }
    }

    private func quotas(_ system: FakeSystem) -> [Double] {
        CPUTopology(affinity: ProcessorSet([0]), root: system.root).quotas.map(\.processors)
    }

    @Test func quotasOfVersion2AreThoseOfAllLevels() throws {
        try FakeSystem.with { system in
            try system.mountUnified("/jobs/7/step")
            try system.write("250000 100000\n", to: "/sys/fs/cgroup/jobs/7/step/cpu.max")
            try system.write("max 100000\n", to: "/sys/fs/cgroup/jobs/7/cpu.max")
            try system.write("80000 20000\n", to: "/sys/fs/cgroup/jobs/cpu.max")
            #expect(quotas(system) == [2.5, 4])
            try system.write("max 100000\n", to: "/sys/fs/cgroup/jobs/cpu.max")
            try system.write("max 100000\n", to: "/sys/fs/cgroup/jobs/7/step/cpu.max")
            #expect(quotas(system) == [])
        }
    }

    @Test func quotasOfVersion1AreThoseOfAllLevels() throws {
        try FakeSystem.with { system in
            try system.mountVersion1("/a/b")
            let folder = "/sys/fs/cgroup/cpu,cpuacct"
            for (group, quota) in [("", -1), ("/a", 600_000), ("/a/b", 150_000), ("/elsewhere", 10_000)] {
                try system.write("\(quota)\n", to: "\(folder)\(group)/cpu.cfs_quota_us")
                try system.write("100000\n", to: "\(folder)\(group)/cpu.cfs_period_us")
            }
            #expect(quotas(system) == [1.5, 6])
        }
    }

    /// A container sees its own group at the mount, and may see the host's path of that group.
    @Test(arguments: ["/docker/c1", "/", "/../other"])
    func aContainersGroupIsTheOneThatIsMounted(path: String) throws {
        try FakeSystem.with { system in
            try system.mountVersion1(path, mounted: "/docker/c1", at: "/mnt/control groups")
            try system.write("300000\n", to: "/mnt/control groups/cpu.cfs_quota_us")
            try system.write("100000\n", to: "/mnt/control groups/cpu.cfs_period_us")
            #expect(quotas(system) == [3])
        }
        try FakeSystem.with { system in
            try system.mountUnified(path, mounted: "/docker/c1")
            try system.write("300000 100000\n", to: "/sys/fs/cgroup/cpu.max")
            #expect(quotas(system) == [3])
        }
    }

    @Test func processesOfOneGroupNameItAlike() throws {
        try FakeSystem.with { system in
            func group(_ path: String) throws -> [String] {
                try system.mountUnified(path)
                return CPUTopology(affinity: ProcessorSet([0]), root: system.root).quotas.map(\.group)
            }
            for path in ["/a", "/a/b", "/a/c"] {
                try system.write("100000 100000\n", to: "/sys/fs/cgroup\(path)/cpu.max")
            }
            let (first, second) = (try group("/a/b"), try group("/a/c"))
            #expect(first.count == 2 && first[1] == second[1] && first[0] != second[0])
        }
    }

    @Test func thisMachineHasACore() {
        let topology = CPUTopology.current()
        #expect(topology.cores.numbers.count >= 1)
        #expect(topology.processorCount >= topology.cores.numbers.count)
    }
}
