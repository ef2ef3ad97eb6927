"""8-bit integers: a float file quantised by ONNX Runtime's own tool into QuantizeLinear/DequantizeLinear pairs."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

Array = npt.NDArray[Any]


class _Images(CalibrationDataReader):  # type: ignore[misc]  # it has no types
    """Images from which the ranges of all tensors are taken."""

    def __init__(self, name: str, images: Sequence[Array] | Array) -> None:
        self._left = [{name: np.ascontiguousarray(image[None])} for image in images]

    def get_next(self) -> dict[str, Array] | None:
        """One feed, or None after the last."""
        return self._left.pop() if self._left else None


def quantise(path: Path, out: Path, images: Sequence[Array] | Array) -> None:
    """Writes the quantised form of a file with one input: uint8 activations, weights of 7 bits per channel.

    With 8 bits, sums of products overflow on processors without the VNNI instructions, and the scores are wrong.

    Args:
        path: the float file.
        out: of the quantised one; may be the same.
        images: each in the file's own layout, without the batch axis.
    """
    name = onnx.load(path, load_external_data=False).graph.input[0].name
    with tempfile.TemporaryDirectory(prefix="misure-") as folder:
        prepared = Path(folder, "prepared.onnx")
        try:
            quant_pre_process(path, prepared)
        except Exception:  # noqa: BLE001 - what it raises where it cannot infer a shape; ONNX's own inference is left
            quant_pre_process(path, prepared, skip_symbolic_shape=True)
        quantize_static(
            prepared,
            out,
            _Images(name, images),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            reduce_range=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
        )
