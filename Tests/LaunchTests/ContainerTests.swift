import Foundation
import TestSupport
import Testing

/// The recipes of `cluster/container`, as far as they can be checked without building an image.
@Suite(.timeLimit(.minutes(30)))
struct ContainerTests {
    static let recipes: [ContainerRecipe] = [.dockerfile, .apptainer]

    /// A folder counts as tracked if any of its files is.
    @Test(
        .enabled("needs git and a checkout") { await ContainerRecipe.isCheckout() }, arguments: recipes)
    func whatIsCopiedIsTracked(recipe: ContainerRecipe) async throws {
        let sources = try recipe.copiedSources()
        #expect(sources.contains("Package.swift") && sources.contains("Sources"))
        for source in sources {
            let tracked = try await ContainerRecipe.tracked(under: source, ["--cached"])
            #expect(!tracked.isEmpty, "\(source) is not tracked: a fresh checkout has none")
            let ignored = try await ContainerRecipe.tracked(
                under: source, ["--cached", "--ignored", "--exclude-from=.dockerignore"])
            #expect(ignored.isEmpty, "\(source) is in .dockerignore")
        }
    }

    /// Build dependencies are in the first stage, run-time dependencies in the last.
    @Test(arguments: recipes) func packagesAreThoseOfSetup(recipe: ContainerRecipe) async throws {
        let script = "source '\(packageRoot.path)/launch/common.sh' && echo \"${packages[*]}\""
        let needed = try await Tool("bash").output(["-c", script]).split(whereSeparator: \.isWhitespace)
        let stages = try recipe.packages()
        try #require(stages.count == 2)
        #expect(needed.contains("libhdf5-dev") && needed.contains("openmpi-bin"))
        for package in needed.map(String.init) {
            let stage = package.hasSuffix("-dev") || package == "pkg-config" ? stages[0] : stages[1]
            #expect(stage.contains(package), "\(package)")
        }
    }

    @Test(arguments: recipes) func imagesRunOnEveryProcessorWithAVX2(recipe: ContainerRecipe) throws {
        let texts = try recipe.text().split(separator: "\n").filter { $0.contains(/^(ARG|) *CPU=/) }
        #expect(texts.map { $0.drop { $0 != "=" } } == ["=x86-64-v3"])
    }
}
