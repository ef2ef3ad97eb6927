"""A model behind an inference server: the Open Inference Protocol over REST and gRPC, and MLflow's scoring protocol.

Source of the protocol: Open Inference Protocol v2 (kserve/open-inference-protocol), with Triton's binary tensor data
extension. Nothing here follows a redirect, uses a proxy, or connects to a host that was not named.
"""

from misure_onnx.backends.open_inference.options import RemoteOptions
from misure_onnx.backends.open_inference.segmenter import OpenInferenceSegmenter

__all__ = ["OpenInferenceSegmenter", "RemoteOptions"]
