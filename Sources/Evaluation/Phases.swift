package import Cluster

extension ActivityBoard.Phase {
    package static let staging = Self("staging")
    package static let evaluation = Self("evaluation")
}
