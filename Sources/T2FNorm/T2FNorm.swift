// All products by one import.
@_exported import Datasets
@_exported import Detection
@_exported import Evaluation
@_exported import Metrics
