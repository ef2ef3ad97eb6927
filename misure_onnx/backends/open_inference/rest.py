"""The Open Inference Protocol over REST, tensors as JSON or as bytes behind the JSON.

Source: Open Inference Protocol v2, REST; binary tensors: Triton's extension "binary_tensor_data".
"""

import json
import uuid
from dataclasses import dataclass
from typing import Any, Literal

from misure_onnx.backends.open_inference.address import Address
from misure_onnx.backends.open_inference.http_connection import HttpConnection, Response, printable
from misure_onnx.backends.open_inference.tensors import TensorSpec, datatype_of, from_bytes, from_values
from misure_onnx.backends.open_inference.wire import Answer, Description, Refusal
from misure_onnx.errors import ServerError
from misure_onnx.types import AnyArray

Encoding = Literal["binary", "json"]
_LENGTH = "Inference-Header-Content-Length"
_BINARY = "binary_tensor_data"
_KNOWN_BINARY = frozenset({"kserve"})
"""Servers that take binary tensors without announcing them."""


class RestWire:
    """REST.

    Args:
        connection: with the server.
        address: of the model.
        encoding: of tensors; changed by whoever finds out what the server takes.
    """

    def __init__(self, connection: HttpConnection, address: Address, encoding: Encoding) -> None:
        self._connection, self._address, self.encoding = connection, address, encoding
        self.announces_binary = False

    @property
    def name(self) -> str:
        """Of the protocol."""
        return f"REST {'binary' if self.encoding == 'binary' else 'JSON'}"

    def describe(self) -> Description:
        """Three questions: the server, the model, its configuration (Triton's)."""
        about, gaps = self._connection.get("/v2"), []
        server = _object(about) if about.status == 200 else {}
        name, extensions = server.get("name"), server.get("extensions")
        known = isinstance(name, str) and name.lower() in _KNOWN_BINARY
        self.announces_binary = known or (isinstance(extensions, list) and _BINARY in extensions)
        about_model = self._connection.get(self._address.model_path)
        model = _object(about_model) if about_model.status == 200 else {}
        if about_model.status != 200:
            said = f"status {about_model.status}: {about_model.said}"
            gaps.append(f"the server describes no model {self._address.model!r} ({said})")
        return Description(
            server=_text(name),
            server_version=_text(server.get("version")),
            inputs=_specs(model.get("inputs")),
            outputs=_specs(model.get("outputs")),
            max_batch=self._max_batch() if model else None,
            gaps=tuple(gaps),
        )

    def infer(self, spec: TensorSpec, tensor: AnyArray, outputs: tuple[str, ...]) -> Answer:
        """One request; see `Wire`."""
        content, headers = self._request(spec, tensor, outputs)
        response = self._connection.post(f"{self._address.model_path}/infer", content, headers)
        if response.status != 200:
            raise Refusal(f"the server refused {spec} (status {response.status}: {response.said})")
        return _answer(response)

    def close(self) -> None:
        """Ends the connection."""
        self._connection.close()

    def _max_batch(self) -> int | None:
        response = self._connection.get(f"{self._address.model_path}/config")
        if response.status != 200:
            return None
        try:
            found = _object(response).get("max_batch_size")
        except ServerError:
            return None  # only Triton promises anything at this path
        return found if isinstance(found, int) and found > 0 else None  # 0: the configuration says nothing about it

    def _request(self, spec: TensorSpec, tensor: AnyArray, outputs: tuple[str, ...]) -> tuple[bytes, dict[str, str]]:
        binary = self.encoding == "binary"
        raw = tensor.tobytes() if binary else b""
        own: dict[str, Any] = {"name": spec.name, "shape": list(tensor.shape), "datatype": datatype_of(tensor)}
        own |= {"parameters": {"binary_data_size": len(raw)}} if binary else {"data": tensor.ravel().tolist()}
        request: dict[str, Any] = {"id": uuid.uuid4().hex, "inputs": [own]}  # without an id KServe's JSON path fails
        wanted = {"parameters": {"binary_data": True}} if binary else {}
        request |= {"outputs": [{"name": name, **wanted} for name in outputs]} if outputs else {}
        request |= {"parameters": {"binary_data_output": True}} if binary else {}
        header = json.dumps(request).encode()
        if not binary:
            return header, {"Content-Type": "application/json"}
        return header + raw, {"Content-Type": "application/octet-stream", _LENGTH: str(len(header))}


def _answer(response: Response) -> Answer:
    """By what the answer says about itself: a server may answer a binary request in JSON."""
    length = response.headers.get(_LENGTH.lower())
    end = len(response.body)
    if length is not None:
        if not length.isdecimal() or int(length) > len(response.body):
            raise ServerError(f"the server's answer is cut off: {_LENGTH} is {printable(length)}, {end:,} bytes came")
        end = int(length)
    document = _object(Response(response.status, response.headers, response.body[:end]))
    entries, place = document.get("outputs"), end
    if not isinstance(entries, list) or not entries:
        raise ServerError(f"the server's answer holds no outputs: {response.said}")
    outputs = {}
    for entry in entries:
        told = _told(entry)
        piece = memoryview(response.body)[place : place + (told.size or 0)]
        place += told.size or 0
        if told.spec.datatype == "BYTES":
            continue
        name, datatype, shape = told.spec.name, told.spec.datatype, told.spec.shape
        if told.size is None:
            outputs[name] = from_values(name, datatype, shape, told.values)
        else:
            outputs[name] = from_bytes(name, datatype, shape, piece)
    return Answer(outputs, _text(document.get("model_version")))


@dataclass(frozen=True)
class _Told:
    """What an answer says of an output: its bytes follow the JSON, or its values stand in it."""

    spec: TensorSpec
    size: int | None
    values: Any


def _told(entry: Any) -> _Told:
    try:
        spec = TensorSpec(str(entry["name"]), str(entry["datatype"]), tuple(int(n) for n in entry["shape"]))
        size = (entry.get("parameters") or {}).get("binary_data_size")
        if size is None:
            return _Told(spec, None, entry["data"])
        return _Told(spec, max(0, int(size)), None)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise ServerError(f"an output in the server's answer is not of the protocol: {error!r}") from error


def _object(response: Response) -> dict[str, Any]:
    try:
        found = json.loads(response.body)
    except (ValueError, RecursionError) as error:
        raise ServerError(f"the server does not answer in JSON: {response.said}") from error
    if not isinstance(found, dict):
        raise ServerError(f"expected a JSON object from the server, got {response.said}")
    return found


def _text(value: object) -> str | None:
    return printable(value) or None if isinstance(value, str) else None


def _specs(entries: object) -> tuple[TensorSpec, ...]:
    """What is written as the protocol wants it; the rest is no description."""
    found = []
    for entry in entries if isinstance(entries, list) else ():
        try:
            found.append(TensorSpec(str(entry["name"]), str(entry["datatype"]), tuple(int(n) for n in entry["shape"])))
        except (KeyError, TypeError, ValueError, OverflowError):
            return ()
    return tuple(found)
