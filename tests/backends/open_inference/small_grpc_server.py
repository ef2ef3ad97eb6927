"""The small server's model by gRPC, in this process."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import onnxruntime as ort

from misure_onnx.backends.open_inference.grpc_messages import CONTENTS, SERVICE, message
from misure_onnx.backends.open_inference.tensors import datatype_of, from_bytes

METHODS = ("ServerMetadata", "ModelMetadata", "ModelConfig", "ModelInfer")


@dataclass
class SmallGrpcServer:
    """What it says and does.

    Attributes:
        model: an ONNX file.
        max_batch: of the configuration; None: there is none.
        raw: whether outputs are raw bytes, or typed contents.
        instead: asked before anything else: aborts the call, or does nothing.
        change: the response as it leaves.
        credentials: for TLS.
        seen: method, request and headers of every call.
        address: of the model.
    """

    model: Path
    max_batch: int | None = None
    raw: bool = True
    instead: Callable[[str, grpc.ServicerContext], None] = lambda *_: None
    change: Callable[[Any], Any] = lambda response: response
    credentials: grpc.ServerCredentials | None = None
    options: list[tuple[str, int]] = field(default_factory=list)
    seen: list[tuple[str, Any, dict[str, str]]] = field(default_factory=list)
    address: str = ""

    def __post_init__(self) -> None:
        self.session = ort.InferenceSession(str(self.model), providers=["CPUExecutionProvider"])

    def answer(self, method: str, request: Any, context: grpc.ServicerContext) -> Any:
        """One call."""
        self.seen.append((method, request, {name: str(value) for name, value in context.invocation_metadata()}))
        self.instead(method, context)
        if method == "ServerMetadata":
            return message("ServerMetadataResponse")(name="small", version="1.0")
        if method == "ModelMetadata":
            source = self.session.get_inputs()[0]
            shape = [extent if isinstance(extent, int) else -1 for extent in source.shape]
            described = {"name": source.name, "datatype": "FP32", "shape": shape}
            return message("ModelMetadataResponse")(name="seg", inputs=[described])
        if method == "ModelConfig":
            if self.max_batch is None:
                context.abort(grpc.StatusCode.UNIMPLEMENTED, "no configuration here")
            return message("ModelConfigResponse")(config={"max_batch_size": self.max_batch})
        return self.change(self._infer(request))

    def _infer(self, request: Any) -> Any:
        tensor = request.inputs[0]
        image = from_bytes("image", tensor.datatype, tuple(tensor.shape), request.raw_input_contents[0])
        names = [output.name for output in self.session.get_outputs()]
        response = message("ModelInferResponse")(model_name="seg", model_version="1", id=request.id)
        for name, value in zip(names, self.session.run(None, {tensor.name: image}), strict=True):
            entry = response.outputs.add(name=name, datatype=datatype_of(value), shape=list(value.shape))
            if self.raw:
                response.raw_output_contents.append(value.tobytes())
            else:
                getattr(entry.contents, CONTENTS[entry.datatype]).extend(value.ravel().tolist())
        return response

    @contextmanager
    def running(self) -> Iterator["SmallGrpcServer"]:
        """Listens on a free port of this machine."""
        server = grpc.server(ThreadPoolExecutor(4), options=self.options)
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, self._handlers()),))
        if self.credentials is None:
            self.address = f"grpc://127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}/seg"
        else:
            self.address = f"grpcs://localhost:{server.add_secure_port('127.0.0.1:0', self.credentials)}/seg"
        server.start()
        try:
            yield self
        finally:
            server.stop(None).wait()

    def _handlers(self) -> dict[str, grpc.RpcMethodHandler]:
        def handler(method: str) -> grpc.RpcMethodHandler:
            return grpc.unary_unary_rpc_method_handler(
                lambda request, context: self.answer(method, request, context),
                request_deserializer=message(f"{method}Request").FromString,
                response_serializer=lambda response: response.SerializeToString(),
            )

        return {method: handler(method) for method in METHODS}
