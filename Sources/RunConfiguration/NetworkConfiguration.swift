/// The network without its head.
package struct NetworkConfiguration: Codable, Equatable, Sendable {
    /// The architecture's name.
    package var name = "resnet18_32x32"
    /// The number of classes.
    package var classes = 10

    package init() {}

    func validate() throws(ConfigurationError) {
        try check(!name.isEmpty, "network.name", name, "the name of a network")
        try check(
            (2...1_000_000).contains(classes), "network.classes", classes, "a whole number from 2 to 1000000")
    }
}
