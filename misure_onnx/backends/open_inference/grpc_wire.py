"""The Open Inference Protocol over gRPC, tensors as raw bytes."""

import time
import uuid
from pathlib import Path
from typing import Any

from misure_onnx.backends.open_inference.address import Address
from misure_onnx.backends.open_inference.hosts import admitted
from misure_onnx.backends.open_inference.http_connection import MOST_BYTES, printable
from misure_onnx.backends.open_inference.meter import Meter
from misure_onnx.backends.open_inference.options import RemoteOptions
from misure_onnx.backends.open_inference.patience import Later, patiently
from misure_onnx.backends.open_inference.tensors import TensorSpec, datatype_of, from_bytes, from_values
from misure_onnx.backends.open_inference.wire import Answer, BrokenOff, Description, Refusal
from misure_onnx.errors import InputError, ServerError
from misure_onnx.types import AnyArray

_PUSHBACK = "grpc-retry-pushback-ms"
_UNKNOWN_THERE = ("UNIMPLEMENTED", "NOT_FOUND", "INVALID_ARGUMENT", "INTERNAL", "UNKNOWN", "FAILED_PRECONDITION")


class GrpcWire:
    """gRPC.

    Args:
        address: of the model.
        options: see there.
        meter: counts.

    Raises:
        InputError: grpcio is not installed, the host is not allowed, or a header or certificate file cannot be read.
        ServerError: the host cannot be reached.
    """

    name = "gRPC"

    def __init__(self, address: Address, options: RemoteOptions, meter: Meter) -> None:
        self._grpc, self._messages = _libraries()
        self._address, self._options, self._meter = address, options, meter
        self._headers = [(name.lower(), value) for name, value in options.all_headers().items()]
        ip = admitted(address, options, meter.repeated)
        self._channel = self._open(f"ipv6:[{ip}]:{address.port}" if ":" in ip else f"ipv4:{ip}:{address.port}")

    def describe(self) -> Description:
        """Three questions: the server, the model, its configuration (Triton's)."""
        server = self._if_known("ServerMetadata", {})
        model = self._if_known("ModelMetadata", self._named())
        config = self._if_known("ModelConfig", self._named()) if model else None
        gap = f"the server describes no model {self._address.model!r}"
        return Description(
            server=printable(server.name) or None if server else None,
            server_version=printable(server.version) or None if server else None,
            inputs=_specs(model.inputs) if model else (),
            outputs=_specs(model.outputs) if model else (),
            max_batch=max(0, config.config.max_batch_size) or None if config else None,
            gaps=() if model else (gap,),
        )

    def infer(self, spec: TensorSpec, tensor: AnyArray, outputs: tuple[str, ...]) -> Answer:
        """One request; see `Wire`."""
        own = {"name": spec.name, "datatype": datatype_of(tensor), "shape": list(tensor.shape)}
        request = {
            "model_name": self._address.model,
            "model_version": self._address.version or "",
            "id": uuid.uuid4().hex,
            "inputs": [own],
            "outputs": [{"name": name} for name in outputs],
            "raw_input_contents": [tensor.tobytes()],
        }
        return _answer(self._call("ModelInfer", request))

    def close(self) -> None:
        """Ends the connection."""
        self._channel.close()

    def _named(self) -> dict[str, str]:
        return {"name": self._address.model, "version": self._address.version or ""}

    def _open(self, target: str) -> Any:
        settings: list[tuple[str, str | int]] = [
            ("grpc.default_authority", self._address.authority),
            ("grpc.enable_http_proxy", 0),
            ("grpc.enable_retries", 0),
            ("grpc.max_receive_message_length", MOST_BYTES),
            ("grpc.max_send_message_length", -1),
            ("grpc.initial_reconnect_backoff_ms", 200),
        ]
        if not self._address.secure:
            return self._grpc.insecure_channel(target, settings)
        settings.append(("grpc.ssl_target_name_override", self._address.host))
        trusted = None
        if self._options.ca_file is not None:
            try:
                trusted = Path(self._options.ca_file).read_bytes()
            except OSError as error:
                raise InputError(f"--ca-file {self._options.ca_file!r} cannot be read: {error}") from error
        return self._grpc.secure_channel(target, self._grpc.ssl_channel_credentials(trusted), settings)

    def _if_known(self, method: str, fields: dict[str, Any]) -> Any:
        """An answer that a server may have or not."""
        try:
            return self._call(method, fields)
        except Refusal:
            return None

    def _call(self, method: str, fields: dict[str, Any]) -> Any:
        request = self._messages.message(f"{method}Request")(**fields)
        return patiently(lambda: self._ask(method, request), self._options, self._meter.repeated)

    def _ask(self, method: str, request: Any) -> Any:
        ask = self._channel.unary_unary(
            f"/{self._messages.SERVICE}/{method}",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=self._messages.message(f"{method}Response").FromString,
        )
        started = time.perf_counter()
        try:
            answer = ask(request, timeout=self._options.timeout, metadata=self._headers)
        except self._grpc.RpcError as error:
            raise self._meaning(error) from error
        self._meter.asked(request.ByteSize(), answer.ByteSize(), time.perf_counter() - started)
        return answer

    def _meaning(self, error: Any) -> Exception:
        """What a failed call says about trying again."""
        status, where = error.code().name, self._address.authority
        text = f"status {status}: {printable(error.details() or '') or 'nothing'}"
        if status == "DEADLINE_EXCEEDED":
            return ServerError(f"{where} did not answer within {self._options.timeout:g} s: --timeout allows more")
        if status in ("UNAUTHENTICATED", "PERMISSION_DENIED"):
            return ServerError(
                f"{where} refused the credentials ({text}): --header-from brings a header from a variable or file"
            )
        pushback = next((value for name, value in error.trailing_metadata() or () if name == _PUSHBACK), None)
        if status in ("UNAVAILABLE", "RESOURCE_EXHAUSTED") and pushback is not None and str(pushback).isdecimal():
            return Later(f"{where} is busy ({text})", int(pushback) / 1000)
        if status == "UNAVAILABLE" and "onnection refused" in text:
            return Later(f"no connection to {where} ({text})")
        if status in (*_UNKNOWN_THERE, "RESOURCE_EXHAUSTED", "OUT_OF_RANGE"):
            return Refusal(f"the server refused ({text})")
        return BrokenOff(f"{where} broke off ({text})")


def _answer(response: Any) -> Answer:
    raw, entries = list(response.raw_output_contents), list(response.outputs)
    if not entries or (raw and len(raw) != len(entries)):
        raise ServerError(f"the server answers with {len(entries)} outputs and {len(raw)} contents")
    outputs = {}
    for place, entry in enumerate(entries):
        if entry.datatype == "BYTES":
            continue
        shape = tuple(entry.shape)
        if raw:
            outputs[entry.name] = from_bytes(entry.name, entry.datatype, shape, raw[place])
        else:
            outputs[entry.name] = from_values(entry.name, entry.datatype, shape, _values(entry))
    return Answer(outputs, printable(response.model_version) or None)


def _values(entry: Any) -> Any:
    from misure_onnx.backends.open_inference.grpc_messages import CONTENTS  # noqa: PLC0415 - protobuf is optional

    return getattr(entry.contents, CONTENTS[entry.datatype]) if entry.datatype in CONTENTS else ()


def _specs(entries: Any) -> tuple[TensorSpec, ...]:
    return tuple(TensorSpec(entry.name, entry.datatype, tuple(entry.shape)) for entry in entries)


def _libraries() -> tuple[Any, Any]:
    try:
        import grpc  # noqa: PLC0415 - optional

        from misure_onnx.backends.open_inference import grpc_messages  # noqa: PLC0415 - needs protobuf
    except ImportError as error:
        raise InputError("models behind gRPC need grpcio and protobuf: pip install 'misure-onnx[remote]'") from error
    return grpc, grpc_messages
