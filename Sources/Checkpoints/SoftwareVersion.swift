/// This program's version, as its checkpoints keep it.
public let softwareVersion = "0.1.0"
