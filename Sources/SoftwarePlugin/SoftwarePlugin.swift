import Foundation
import PackagePlugin

/// Records the sources' commit and the compiler's version in a Swift file of the module `Software`.
///
/// The command runs again after a commit and after a change of a source; its file changes only if
/// what it records does.
@main struct SoftwarePlugin: BuildToolPlugin {
    func createBuildCommands(context: PluginContext, target: any Target) throws -> [Command] {
        let package = context.package.directoryURL
        let compiler = try context.tool(named: "swiftc").url
        let script = target.directoryURL.appending(path: "record-source")
        let file = context.pluginWorkDirectoryURL.appending(path: "RecordedSource.swift")
        let sources = context.package.targets.compactMap { $0 as? any SourceModuleTarget }
            .flatMap { $0.sourceFiles.map(\.url) }
            .filter { $0.path.hasPrefix("\(package.path)/Sources/") }
        return [
            .buildCommand(
                displayName: "Recording the commit", executable: URL(filePath: "/bin/sh"),
                arguments: [script.path, package.path, compiler.path, file.path],
                inputFiles: [script, package.appending(path: "Package.swift")] + sources
                    + headFiles(of: package),
                outputFiles: [file])
        ]
    }

    /// Files of git that change with each commit and checkout.
    private func headFiles(of package: URL) -> [URL] {
        var folder = package.appending(path: ".git")
        // In a worktree or a submodule it is a file that names the folder.
        if let text = try? String(contentsOf: folder, encoding: .utf8), text.hasPrefix("gitdir: ") {
            let path = text.dropFirst(8).trimmingCharacters(in: .whitespacesAndNewlines)
            folder = URL(filePath: path, relativeTo: package)
        }
        return ["HEAD", "logs/HEAD"].map { folder.appending(path: $0).absoluteURL }
            .filter { FileManager.default.fileExists(atPath: $0.path) }
    }
}
