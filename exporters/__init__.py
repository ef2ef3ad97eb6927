"""Ways to ONNX files: the only part of the project, beside the torch bridge, that may import torch."""
