"""Other explainers on the same ONNX file, each in an environment of its own; `python -m benchmarks.peers`."""
