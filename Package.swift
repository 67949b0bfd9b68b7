// swift-tools-version: 6.3
import PackageDescription

/// The micro-architecture to build for: `native`, `x86-64-v3` (AVX2), `x86-64-v4` (AVX-512), on ARM
/// `armv8.2-a`, …
///
/// The clang target option sets Swift's code generation, too; `launch/setup` passes `T2FNORM_CPU`
/// on.
let cpu = Context.environment["T2FNORM_CPU"] ?? "native"

let settings: [SwiftSetting] = [
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableExperimentalFeature("Lifetimes"),
    // The compiler never contracts a multiplication and an addition into an FMA; only explicit FMAs
    // are used.
    .unsafeFlags(["-Xcc", "-march=\(cpu)", "-Xcc", "-ffp-contract=off"]),
]

let argumentParser: Target.Dependency = .product(
    name: "ArgumentParser", package: "swift-argument-parser")
let yams: Target.Dependency = .product(name: "Yams", package: "Yams")
let system: Target.Dependency = .product(name: "SystemPackage", package: "swift-system")

func module(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: settings)
}

/// A test target; `dependencies` lists the modules that the tests use besides their own.
func tests(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .testTarget(
        name: "\(name)Tests", dependencies: [.byName(name: name), "TestSupport"] + dependencies,
        swiftSettings: settings)
}

func library(_ name: String, pkgConfig: String, package: String) -> Target {
    .systemLibrary(name: name, pkgConfig: pkgConfig, providers: [.apt([package])])
}

let package = Package(
    name: "t2fnorm",
    products: [
        .executable(name: "t2fnorm", targets: ["t2fnorm"]),
        .library(name: "T2FNorm", targets: ["T2FNorm"]),
        .library(name: "Datasets", targets: ["Datasets"]),
        .library(name: "Detection", targets: ["Detection"]),
        .library(name: "Evaluation", targets: ["Evaluation"]),
        .library(name: "Exchange", targets: ["Exchange"]),
        .library(name: "Metrics", targets: ["Metrics"]),
        .library(name: "Networks", targets: ["Networks"]),
        .library(name: "Training", targets: ["Training", "RunConfiguration"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
        // Only `swift package generate-documentation` builds it.
        .package(url: "https://github.com/swiftlang/swift-docc-plugin", from: "1.5.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    ],
    targets: [
        library("CMPI", pkgConfig: "ompi-c", package: "libopenmpi-dev"),
        library("COpenBLAS", pkgConfig: "openblas", package: "libopenblas-dev"),
        library("CHDF5", pkgConfig: "hdf5-serial", package: "libhdf5-dev"),
        library("CTurboJPEG", pkgConfig: "libturbojpeg", package: "libturbojpeg0-dev"),
        library("CSPNG", pkgConfig: "spng", package: "libspng-dev"),
        library("CWebP", pkgConfig: "libwebp", package: "libwebp-dev"),
        library("CZlib", pkgConfig: "zlib", package: "zlib1g-dev"),
        library("CLZMA", pkgConfig: "liblzma", package: "liblzma-dev"),
        library("CArchive", pkgConfig: "libarchive", package: "libarchive-dev"),

        .systemLibrary(name: "CProcessor"),
        .target(name: "CBuildFeatures", cSettings: [.unsafeFlags(["-march=\(cpu)"])]),
        // Exits before `main` on an x86-64 processor below `cpu`; built without -march and with
        // general registers only.
        .target(
            name: "CProcessorCheck", dependencies: ["CBuildFeatures"],
            cSettings: [.unsafeFlags(["-mgeneral-regs-only"])]),

        // libjpeg itself, besides its simpler API TurboJPEG, since only libjpeg decodes a region of
        // an image.
        .target(
            name: "CJPEG", cSettings: [.unsafeFlags(["-ffp-contract=off"])],
            linkerSettings: [.linkedLibrary("jpeg")]),

        .plugin(name: "SoftwarePlugin", capability: .buildTool(), path: "Sources/SoftwarePlugin"),
        .target(
            name: "Software", dependencies: ["CBuildFeatures"], exclude: ["record-source"],
            swiftSettings: settings, plugins: ["SoftwarePlugin"]),

        module("Failures"),
        module("Memory"),
        module("Workers", ["Failures", "Memory", "CProcessor"]),
        module("Checksums", ["CProcessor", "CLZMA"]),
        module("Numerics"),
        module("Files", ["Failures"]),
        module("Pickle", ["Failures"]),
        module("Kernels", ["Memory", "Numerics", "Workers", "COpenBLAS", "CProcessor"]),
        module("HDF5", ["CHDF5", "Failures", "Files"]),
        module("Cluster", ["CMPI", "Failures", "Numerics", "Workers"]),
        module("Networks", ["Kernels", "Workers", "Memory", "Numerics"]),
        .target(
            name: "Datasets",
            dependencies: [
                "HDF5", "Checksums", "Failures", "Files", "Workers", "Kernels", "Memory", "Numerics", "CJPEG",
                "CSPNG", "CWebP", system,
            ],
            resources: ["cifar10", "cifar100", "imagenet200", "imagenet1k"].map {
                .embedInCode("Benchmarks/\($0).json")
            },
            swiftSettings: settings),
        // Public formats, and packing them into datasets.
        module(
            "DatasetPacking",
            [
                "Datasets", "Cluster", "Pickle", "Kernels", "Workers", "Checksums", "Failures", "Files",
                "CArchive", "CTurboJPEG", "CZlib", system, "Numerics",
            ]),
        module("Synthesis", ["Datasets", "Kernels", "Numerics"]),
        module(
            "Checkpoints",
            [
                "HDF5", "Checksums", "Failures", "Files", "Networks", "Kernels", "Workers", "Memory",
                "Software",
            ]),
        module("Exchange", ["Networks", "Kernels", "Pickle", "Failures", "Files", "CZlib", "Memory"]),
        module("Metrics", ["Failures"]),
        // Forward passes, captured activations and the last layer as scores see it.
        module("Inference", ["Networks", "Kernels", "Workers", "Cluster", "Datasets", "Memory", "Numerics"]),
        module(
            "Detection",
            [
                "Inference", "Networks", "Kernels", "Numerics", "Workers", "Cluster", "Datasets", "Metrics",
                "Checksums", "Failures", "Memory",
            ]),
        module("RunConfiguration", ["Failures", yams]),
        module(
            "Training",
            [
                "Workers", "Kernels", "Numerics", "Cluster", "Networks", "Datasets", "Checkpoints",
                "Inference", "RunConfiguration", "Exchange", "Failures", "Files", "Checksums",
                "CBuildFeatures", "Memory", "HDF5", "Software",
            ]),
        module("Reporting", ["Metrics"]),
        module(
            "Evaluation",
            [
                "Workers", "Cluster", "Networks", "Datasets", "Checkpoints", "Metrics", "Inference",
                "Detection", "RunConfiguration", "Training", "Reporting", "Failures", "Files", "HDF5",
                "Kernels", "Software",
            ]),
        // All products by one import.
        module(
            "T2FNorm",
            [
                "Datasets", "Detection", "Evaluation", "Exchange", "Failures", "Metrics", "Networks",
                "RunConfiguration", "Training",
            ]),
        module(
            "Benchmarking",
            [
                "Workers", "Kernels", "Numerics", "Cluster", "Networks", "Datasets", "Checkpoints",
                "Inference", "Detection", "Training", "Reporting", "Files", "Memory",
            ]),
        .executableTarget(
            name: "t2fnorm",
            dependencies: [
                argumentParser, "Workers", "Kernels", "Numerics", "Cluster", "Networks", "Datasets",
                "DatasetPacking", "Synthesis", "Checkpoints", "Metrics", "Detection", "RunConfiguration",
                "Training", "Reporting", "Evaluation", "Benchmarking", "Failures", "Files", "Exchange",
                "Software", "CProcessorCheck",
            ],
            swiftSettings: settings),

        .target(
            name: "TestSupport", dependencies: ["Checkpoints", "Cluster", "Kernels", "Numerics"],
            path: "Tests/TestSupport",
            swiftSettings: settings),
        .target(
            name: "DatasetSamples", dependencies: ["Datasets", "DatasetPacking", "Synthesis", system],
            path: "Tests/DatasetSamples",
            swiftSettings: settings),
        .executableTarget(
            name: "cluster-check",
            dependencies: ["Cluster", "Failures", "Kernels", "Workers", "CProcessorCheck", "Numerics"],
            path: "Tests/ClusterCheck", swiftSettings: settings),
        .executableTarget(
            name: "checkpoint-check",
            dependencies: ["Checkpoints", "Networks", "Workers", "CProcessorCheck", "Memory"],
            path: "Tests/CheckpointCheck", swiftSettings: settings),
        tests("CProcessorCheck", ["CBuildFeatures", "cluster-check", "t2fnorm"]),
        tests("Memory"),
        tests("Software", ["CBuildFeatures"]),
        tests("Workers"),
        tests("Numerics", []),
        tests("Checksums"),
        tests("Files"),
        tests("Pickle"),
        tests("Kernels", ["Workers", "Numerics"]),
        tests("HDF5"),
        tests("Cluster", ["cluster-check"]),
        tests("Networks", ["Kernels", "Workers", "Memory"]),
        tests(
            "Datasets",
            ["DatasetSamples", "DatasetPacking", "HDF5", "Checksums", system, "Memory", "Numerics"]),
        tests("DatasetPacking", ["DatasetSamples", "Datasets", "Cluster", "Checksums", system]),
        tests("Synthesis", ["DatasetSamples", "DatasetPacking", "Datasets"]),
        tests(
            "Checkpoints",
            ["Networks", "Kernels", "HDF5", "Workers", "checkpoint-check", "Memory", "Numerics", "Software"]),
        tests("Exchange", ["Networks", "Kernels", "Workers", "Memory", "Numerics"]),
        tests("Metrics"),
        tests(
            "Detection",
            [
                "Inference", "Metrics", "Networks", "Kernels", "Workers", "Cluster", "Datasets", "Memory",
                "Numerics",
            ]),
        tests("RunConfiguration"),
        tests(
            "Evaluation",
            ["Checkpoints", "Datasets", "Detection", "Failures", "Networks", "RunConfiguration"]),
        tests(
            "Training",
            [
                "Failures", "Checkpoints", "Checksums", "Cluster", "Datasets", "DatasetPacking",
                "DatasetSamples", "Synthesis", "Exchange", "Networks", "Kernels", "Workers",
                "RunConfiguration", "Memory", "Software", "Inference",
            ]),
        tests("Reporting", ["Metrics"]),
        .testTarget(
            name: "LaunchTests", dependencies: ["TestSupport"],
            exclude: ["compare_pytorch_test.py", "compare_loader_test.py"],
            swiftSettings: settings),
        .testTarget(
            name: "CommandTests",
            dependencies: [
                "t2fnorm", "TestSupport", "HDF5", "Checkpoints", "Checksums", "Datasets",
                "DatasetPacking", "DatasetSamples", "Evaluation", "RunConfiguration", "Synthesis", "Training",
            ],
            swiftSettings: settings),
    ]
)

// Only `tools/fuzz-inputs` builds this: it needs libFuzzer.
if Context.environment["T2FNORM_BUILD_FUZZER"] != nil {
    package.targets.append(
        .executableTarget(
            name: "fuzz-inputs", dependencies: ["Datasets", "DatasetPacking", "HDF5", "RunConfiguration"],
            path: "Tests/InputFuzzing", swiftSettings: settings))
}
