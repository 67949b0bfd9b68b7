import ArgumentParser

@main
struct T2FNormCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "t2fnorm")
}
