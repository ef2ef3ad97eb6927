"""An ONNX file for a server's Python: run by ONNX Runtime, described in the Open Inference Protocol's words.

The programs of this folder run in the servers' environments, and import nothing of this project but this file.
"""

import argparse
from typing import Any

import numpy as np
import onnxruntime as ort

_DATATYPES = {
    "tensor(float)": "FP32",
    "tensor(float16)": "FP16",
    "tensor(double)": "FP64",
    "tensor(uint8)": "UINT8",
    "tensor(int32)": "INT32",
    "tensor(int64)": "INT64",
    "tensor(bool)": "BOOL",
}


def arguments() -> argparse.Namespace:
    """What every program is given."""
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("--name", required=True)
    parser.add_argument("--http-port", type=int, required=True)
    parser.add_argument("--grpc-port", type=int, required=True)
    parser.add_argument("--max-batch", type=int, default=8)
    parser.add_argument("--threads", type=int, default=1)
    return parser.parse_args()


class ServedModel:
    """One session.

    Attributes:
        inputs, outputs: name, datatype, shape (-1: free) of each.
    """

    def __init__(self, path: str, threads: int) -> None:
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        self._session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        self.inputs = [_described(value) for value in self._session.get_inputs()]
        self.outputs = [_described(value) for value in self._session.get_outputs()]

    @property
    def input_name(self) -> str:
        """Of the only input."""
        return str(self.inputs[0]["name"])

    def __call__(self, image: np.ndarray[Any, Any]) -> dict[str, np.ndarray[Any, Any]]:
        """The outputs by name."""
        values = self._session.run(None, {self.input_name: image})
        return {str(output["name"]): value for output, value in zip(self.outputs, values, strict=True)}


def _described(value: Any) -> dict[str, Any]:
    shape = [extent if isinstance(extent, int) else -1 for extent in value.shape]
    return {"name": value.name, "datatype": _DATATYPES[value.type], "shape": shape}
