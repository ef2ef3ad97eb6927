"""8-bit integers: a float file quantised by ONNX Runtime's own tool into QuantizeLinear/DequantizeLinear pairs."""

from pathlib import Path

import numpy as np
import onnx
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

from benchmarks.coverage.subject import Array


class _Images(CalibrationDataReader):  # type: ignore[misc]  # it has no types
    """Images from which the ranges of all tensors are taken."""

    def __init__(self, name: str, images: Array) -> None:
        self._left = [{name: np.ascontiguousarray(image[None])} for image in images]

    def get_next(self) -> dict[str, Array] | None:
        """One feed, or None after the last."""
        return self._left.pop() if self._left else None


def quantise(path: Path, images: Array) -> None:
    """Replaces a file with one input by its quantised form: uint8 activations, weights of 7 bits per channel.

    With 8 bits, sums of products overflow on processors without the VNNI instructions, and the scores are wrong.
    """
    prepared = path.with_name("prepared.onnx")
    name = onnx.load(path).graph.input[0].name
    quant_pre_process(path, prepared)
    quantize_static(
        prepared,
        path,
        _Images(name, images),
        quant_format=QuantFormat.QDQ,
        per_channel=True,
        reduce_range=True,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
    )
