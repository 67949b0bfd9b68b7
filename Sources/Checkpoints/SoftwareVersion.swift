/// This program's version, which its checkpoints contain.
public let softwareVersion = "0.1.0"
