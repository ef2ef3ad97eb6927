"""An Open Inference Protocol server of a few lines in this process: right by default, wrong where a test wants it."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort

from misure_onnx.backends.open_inference.tensors import DTYPES, datatype_of, from_bytes, from_values
from misure_onnx.types import AnyArray

LENGTH = "Inference-Header-Content-Length"
Reply = tuple[int, dict[str, str], bytes]


@dataclass(frozen=True)
class Asked:
    """A request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def document(self) -> dict[str, Any]:
        """The JSON of an inference request."""
        length = int(self.headers.get(LENGTH.lower(), len(self.body)))
        found: dict[str, Any] = json.loads(self.body[:length])
        return found


@dataclass
class SmallServer:
    """What the server says and does.

    Attributes:
        model: an ONNX file.
        about: what GET /v2 says; None: 404.
        metadata: what is said of the model; None: 404.
        max_batch: what /config says; None: 404.
        takes_binary, answers_binary: whether tensors may be bytes.
        most: images a request that are answered; more: status 400. None: any.
        version: of the model, in every answer.
        instead: asked before anything else: a reply, or None for the usual one.
        change: outputs as they leave, from (outputs, request).
        port: where it listens.
        seen: every request.
        together: most requests at the same time.
    """

    model: Path
    about: dict[str, Any] | None = field(
        default_factory=lambda: {"name": "small", "version": "1.0", "extensions": ["binary_tensor_data"]}
    )
    metadata: dict[str, Any] | None = field(default_factory=dict)
    max_batch: int | None = None
    takes_binary: bool = True
    answers_binary: bool = True
    most: int | None = None
    version: str | None = "1"
    instead: Callable[[Asked], Reply | None] = lambda _: None
    change: Callable[[dict[str, AnyArray], AnyArray], dict[str, AnyArray]] = lambda outputs, _: outputs
    port: int = 0
    seen: list[Asked] = field(default_factory=list)
    together: int = 0

    def __post_init__(self) -> None:
        self.session = ort.InferenceSession(str(self.model), providers=["CPUExecutionProvider"])
        self._now, self._lock = 0, threading.Lock()

    @property
    def address(self) -> str:
        """Of the model."""
        return f"http://127.0.0.1:{self.port}/v2/models/seg"

    @property
    def inferences(self) -> list[Asked]:
        """The requests that asked the model."""
        return [asked for asked in self.seen if asked.path.endswith("/infer")]

    def reply(self, asked: Asked) -> Reply:
        """The answer to a request; counts those at the same time."""
        with self._lock:
            self.seen.append(asked)
            self._now += 1
            self.together = max(self.together, self._now)
        try:
            return self.instead(asked) or self._usual(asked)
        finally:
            with self._lock:
                self._now -= 1

    def _usual(self, asked: Asked) -> Reply:
        if asked.path == "/v2":
            return _json(self.about)
        if asked.path == "/v2/models/seg":
            return _json(None if self.metadata is None else {**self._described(), **self.metadata})
        if asked.path == "/v2/models/seg/config":
            return _json(None if self.max_batch is None else {"max_batch_size": self.max_batch})
        if asked.path == "/v2/models/seg/infer":
            return self._infer(asked)
        return _json(None)

    def _described(self) -> dict[str, Any]:
        source = self.session.get_inputs()[0]
        shape = [extent if isinstance(extent, int) else -1 for extent in source.shape]
        datatype = {"tensor(float)": "FP32", "tensor(uint8)": "UINT8", "tensor(float16)": "FP16"}[source.type]
        return {"name": "seg", "inputs": [{"name": source.name, "datatype": datatype, "shape": shape}], "outputs": []}

    def _infer(self, asked: Asked) -> Reply:
        binary = LENGTH.lower() in asked.headers
        if binary and not self.takes_binary:
            return 422, {}, b'{"error": "no binary tensors here"}'
        request = asked.document
        if not request.get("id"):
            return 500, {}, b'{"error": "id: Input should be a valid string"}'
        (tensor,) = request["inputs"]
        shape = tuple(tensor["shape"])
        if binary:
            raw = asked.body[-tensor["parameters"]["binary_data_size"] :]
            image = from_bytes("image", tensor["datatype"], shape, raw)
        else:
            image = from_values("image", tensor["datatype"], shape, tensor["data"])
        if self.most is not None and len(image) > self.most:
            return 400, {}, b'{"error": "batch too large"}'
        try:
            values = self.session.run(None, {tensor["name"]: image})
        except Exception as error:  # noqa: BLE001 - whatever the runtime refuses
            return 400, {}, json.dumps({"error": str(error)}).encode()
        names = [output.name for output in self.session.get_outputs()]
        outputs = self.change(dict(zip(names, values, strict=True)), image)
        wanted = [one["name"] for one in request.get("outputs", [])] or list(outputs)
        return self._encoded({name: outputs[name] for name in wanted if name in outputs}, binary)

    def _encoded(self, outputs: dict[str, AnyArray], binary: bool) -> Reply:  # noqa: FBT001
        entries, raw = [], b""
        for name, array in outputs.items():
            entry: dict[str, Any] = {"name": name, "datatype": datatype_of(array), "shape": list(array.shape)}
            if binary and self.answers_binary:
                entry["parameters"] = {"binary_data_size": array.nbytes}
                raw += array.tobytes()
            else:
                entry["data"] = array.ravel().tolist()
            entries.append(entry)
        header = json.dumps({"model_name": "seg", "model_version": self.version, "outputs": entries}).encode()
        return 200, {LENGTH: str(len(header))} if raw else {}, header + raw

    @contextmanager
    def running(self) -> Iterator["SmallServer"]:
        """Listens on a free port of this machine."""
        small = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                headers = {name.lower(): value for name, value in self.headers.items()}
                status, more, content = small.reply(Asked(self.command, self.path, headers, body))
                self.send_response(status)
                for name, value in {"Content-Length": str(len(content)), **more}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)
                if "Content-Length" in more:  # a lie: what is missing never comes
                    self.close_connection = True

            do_POST = do_GET  # noqa: N815 - the base class calls it so

            def log_message(self, *_: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        server.daemon_threads = True
        server.handle_error = lambda *_: None  # type: ignore[method-assign]  # a client that goes away is no error here
        self.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            server.shutdown()
            server.server_close()
            thread.join()


def _json(document: dict[str, Any] | None) -> Reply:
    if document is None:
        return 404, {}, b'{"error": "not found"}'
    return 200, {"Content-Type": "application/json"}, json.dumps(document).encode()


def for_a_while(replies: list[Reply], path: str = "/infer") -> Callable[[Asked], Reply | None]:
    """These replies to the next requests of a path, one each; then the usual ones."""
    left = list(replies)
    return lambda asked: left.pop(0) if left and asked.path.endswith(path) else None


def slowly(seconds: float) -> Callable[[Asked], Reply | None]:
    """Every inference takes longer."""

    def wait(asked: Asked) -> Reply | None:
        if asked.path.endswith("/infer"):
            time.sleep(seconds)
        return None

    return wait


def numbers(shape: tuple[int, ...], dtype: str = "FP32") -> AnyArray:
    """Different ones."""
    return np.arange(int(np.prod(shape))).reshape(shape).astype(DTYPES[dtype])
