// All products by one import.
@_exported import Datasets
@_exported import Detection
@_exported import Evaluation
@_exported import Exchange
@_exported import Failures
@_exported import Metrics
@_exported import Networks
@_exported import RunConfiguration
@_exported import Training
