"""Runs an ONNX graph node by node with torch functions, so that autograd gives its gradient; imports torch."""
