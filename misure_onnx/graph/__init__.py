"""Reading and editing ONNX graphs; needs `onnx` only, no runtime."""
