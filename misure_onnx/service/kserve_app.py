"""The HTTP application of `kserve.py`: explain, models, health, metrics."""

import json
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response

from misure_onnx.errors import MisureError, ServerError
from misure_onnx.integrations.instances import Wishes, explain_instances
from misure_onnx.segmenter import Segmenter

MOST_BYTES = 64 * 2**20
"""Of one request."""
_WAITING = 8
"""Requests that may wait for each that is worked on."""
_AGAIN = 5.0
"""Seconds between attempts to reach the predictor."""


class Predictor:
    """The model behind the predictor, which may start later than this.

    Args:
        connect: loads it; raises `MisureError` while that is impossible.
    """

    def __init__(self, connect: Callable[[], Segmenter]) -> None:
        self._connect = connect
        self._wanted, self._ended = threading.Event(), threading.Event()
        self._wanted.set()
        self.segmenter: Segmenter | None = None
        self.problem = "the predictor has not answered yet"

    def keep_connected(self) -> None:
        """Connects whenever that is wanted, until this ends."""
        while self._wanted.wait() and not self._ended.is_set():
            try:
                self.segmenter = self._connect()
                self._wanted.clear()
            except MisureError as error:
                self.problem = str(error)
                self._ended.wait(_AGAIN)

    def lost(self, reason: str) -> None:
        """It failed, or another version of the model answers: connect again."""
        self.segmenter, self.problem = None, reason
        self._wanted.set()

    def end(self) -> None:
        """No further attempts."""
        self._ended.set()
        self._wanted.set()


class Refused(Exception):  # noqa: N818 - reads as what it is
    """An answer that says no."""

    def __init__(self, status: int, reason: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(reason)
        self.status, self.headers = status, headers


class Measures:
    """What `/metrics` says."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter("misure_explain_requests", "Requests by status.", ["status"], registry=self.registry)
        self.seconds = Histogram(
            "misure_explain_seconds",
            "Seconds of a request.",
            registry=self.registry,
            buckets=(0.1, 0.3, 1, 3, 10, 30, 100, 300),
        )


class Turns:
    """How many requests are worked on, and how many may wait for that."""

    def __init__(self, at_once: int) -> None:
        self._room, self._places = (
            threading.BoundedSemaphore(at_once),
            threading.BoundedSemaphore(at_once * (1 + _WAITING)),
        )

    def take(self, work: Callable[[], Any]) -> Any:
        """The result of a work, when it is its turn.

        Raises:
            Refused: too many wait.
        """
        if not self._places.acquire(blocking=False):
            raise Refused(503, "too many explanations are waiting: try again later", {"Retry-After": "5"})
        try:
            with self._room:
                return work()
        finally:
            self._places.release()


def application(name: str, predictor: Predictor, wishes: Wishes, *, at_once: int = 1) -> FastAPI:
    """The application.

    Args:
        name: of the model, as KServe calls it.
        predictor: the model.
        wishes: what is asked where a request says nothing.
        at_once: explanations at the same time.
    """
    turns, measures = Turns(at_once), Measures()

    @asynccontextmanager
    async def living(_: FastAPI) -> AsyncIterator[None]:
        thread = threading.Thread(target=predictor.keep_connected, name="misure-predictor", daemon=True)
        thread.start()
        yield
        predictor.end()

    app = FastAPI(title="misure, an explainer for KServe", docs_url=None, redoc_url=None, lifespan=living)

    @app.exception_handler(Refused)
    async def refused(_: Request, error: Refused) -> Response:
        return JSONResponse({"error": str(error)}, error.status, error.headers)

    _tell_state(app, name, predictor)

    @app.get("/metrics")
    async def metrics() -> Response:
        return Response(generate_latest(measures.registry), media_type=CONTENT_TYPE_LATEST)

    @app.post("/v1/models/{asked}:explain")
    async def explain(asked: str, request: Request) -> Response:
        began, status = time.perf_counter(), 500
        try:
            _check_name(asked, name)
            document = _document(await _body(request))
            found = await run_in_threadpool(turns.take, lambda: _explained(predictor, document, wishes))
            status = 200
            return JSONResponse(found)
        except Refused as error:
            status = error.status
            raise
        finally:
            measures.requests.labels(str(status)).inc()
            measures.seconds.observe(time.perf_counter() - began)

    return app


def _tell_state(app: FastAPI, name: str, predictor: Predictor) -> None:
    """Routes that say what is here, and whether it is ready."""

    @app.get("/")
    @app.get("/v2/health/live")
    async def live() -> dict[str, Any]:
        return {"live": True, "status": "alive"}

    @app.get("/v2/health/ready")
    async def ready() -> Response:
        there = predictor.segmenter is not None
        return JSONResponse({"ready": there, **({} if there else {"reason": predictor.problem})}, 200 if there else 503)

    @app.get("/v1/models")
    async def models() -> dict[str, list[str]]:
        return {"models": [name]}

    @app.get("/v1/models/{asked}")
    async def model(asked: str) -> dict[str, Any]:
        _check_name(asked, name)
        return {"name": name, "ready": predictor.segmenter is not None}


def _check_name(asked: str, name: str) -> None:
    if asked != name:
        raise Refused(404, f"there is no model {asked!r} here; this explains {name!r}")


async def _body(request: Request) -> bytes:
    pieces, total = [], 0
    async for piece in request.stream():
        total += len(piece)
        if total > MOST_BYTES:
            raise Refused(413, f"a request may have {MOST_BYTES >> 20} MiB: send pictures as files in base64 (b64)")
        pieces.append(piece)
    return b"".join(pieces)


def _document(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Refused(400, f"the body is no JSON: {error}") from error


def _explained(predictor: Predictor, document: Any, wishes: Wishes) -> dict[str, Any]:
    segmenter = predictor.segmenter
    if segmenter is None:
        raise Refused(503, f"the predictor is not reached: {predictor.problem}", {"Retry-After": "5"})
    try:
        return explain_instances(segmenter, document, wishes)
    except ServerError as error:
        predictor.lost(str(error))
        raise Refused(HTTPStatus.BAD_GATEWAY, f"the predictor failed: {error}") from error
    except MisureError as error:
        raise Refused(400, str(error)) from error
