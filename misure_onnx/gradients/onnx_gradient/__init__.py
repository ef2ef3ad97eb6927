"""Reverse-mode differentiation that writes ONNX nodes: forward and backward run in plain ONNX Runtime."""
