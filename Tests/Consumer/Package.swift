// swift-tools-version: 6.3
import PackageDescription

// What a program does that uses this package as a library.
let package = Package(
    name: "consumer",
    dependencies: [.package(name: "t2fnorm", path: "../..")],
    targets: [
        .executableTarget(name: "consumer", dependencies: [.product(name: "T2FNorm", package: "t2fnorm")]),
        .executableTarget(
            name: "custom-score", dependencies: [.product(name: "T2FNorm", package: "t2fnorm")]),
    ]
)
