"""MLflow's scoring protocol: POST /invocations, JSON, no description of the model, no batches' limit.

Source: MLflow's documentation of the scoring server (endpoints /invocations, /ping and /version).
"""

import json
from typing import Any

import numpy as np

from misure_onnx.backends.open_inference.http_connection import HttpConnection
from misure_onnx.backends.open_inference.tensors import TensorSpec
from misure_onnx.backends.open_inference.wire import Answer, Description, Refusal
from misure_onnx.errors import ServerError
from misure_onnx.types import AnyArray

_UNNAMED = "predictions"


class MlflowWire:
    """MLflow."""

    name = "MLflow"

    def __init__(self, connection: HttpConnection) -> None:
        self._connection = connection

    def describe(self) -> Description:
        """Its version, if it says so."""
        version = self._connection.get("/version")
        number = version.said if version.status == 200 and version.body.isascii() and len(version.body) < 32 else None
        return Description(server="mlflow", server_version=number)

    def infer(self, spec: TensorSpec, tensor: AnyArray, outputs: tuple[str, ...]) -> Answer:
        """One request; see `Wire`. The server gives all outputs."""
        values = tensor.tolist()
        content = json.dumps({"inputs": {spec.name: values} if spec.name else values}).encode()
        response = self._connection.post("/invocations", content, {"Content-Type": "application/json"})
        if response.status != 200:
            raise Refusal(f"the server refused {spec} (status {response.status}: {response.said})")
        try:
            predictions = json.loads(response.body)["predictions"]
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise ServerError(
                f"expected a JSON object with 'predictions' from the server, got {response.said}"
            ) from error
        named = predictions if isinstance(predictions, dict) else {_UNNAMED: predictions}
        found = {str(name): _array(str(name), given) for name, given in named.items()}
        return Answer({name: array for name, array in found.items() if not outputs or name in outputs}, None)

    def close(self) -> None:
        """Ends the connection."""
        self._connection.close()


def _array(name: str, values: Any) -> AnyArray:
    """Whole numbers stay whole, so that label maps are known for what they are."""
    try:
        array = np.asarray(values)
    except ValueError as error:
        raise ServerError(f"the server's output {name!r} is no array: {error}") from error
    if array.dtype.kind not in "fiub":
        raise ServerError(f"the server's output {name!r} holds no numbers")
    return array.astype(np.float32) if array.dtype.kind == "f" else array
