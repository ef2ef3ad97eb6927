"""A worker's process: `python -m misure_onnx.service.worker`, started by the server, one a device.

Its first line of input is an order. Its input ends when the server does, however that ends; on Linux the kernel then
kills it as well. It takes one explanation after the other, and predictions beside them, so that somebody who wants to
click on an object need not wait for somebody else's explanation.
"""

import contextlib
import json
import logging
import os
import signal
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2

from misure_onnx.end_with_parent import end_with_parent
from misure_onnx.errors import MisureError
from misure_onnx.files import encode_json
from misure_onnx.images import LoadedImage, load_image
from misure_onnx.service.claim import AttemptEnded, Claim, claim_next
from misure_onnx.service.database import DATABASE, Database
from misure_onnx.service.explaining import explain_into
from misure_onnx.service.job import Folders, Job, Kind
from misure_onnx.service.predicting import predict
from misure_onnx.service.registry import ModelEntry, without_folders
from misure_onnx.service.settings import ServiceSettings
from misure_onnx.service.shelf import Shelf

PREDICTION = "prediction.json"

_LOOK_SECONDS, _BEAT_SECONDS = 0.1, 2.0
_CANCEL_SECONDS = 10.0
"""Work that does not end by itself so long after it was cancelled is ended with its process."""

_log = logging.getLogger("misure_onnx.service")


@dataclass(frozen=True)
class Order:
    """What the server tells a worker.

    Attributes:
        id: of the worker.
        device: for the record.
        provider: as for `load_segmenter`.
        threads: processors that it uses.
        settings: of the service.
        registry: its models.
    """

    id: str
    device: str
    provider: str
    threads: int
    settings: ServiceSettings
    registry: dict[str, ModelEntry]

    def to_json(self) -> str:
        """One line."""
        entries = [entry.to_mapping() for entry in self.registry.values()]
        return json.dumps(
            {
                "id": self.id, "device": self.device, "provider": self.provider, "threads": self.threads,
                "settings": self.settings.to_json(), "registry": entries,
            }
        )  # fmt: skip

    @classmethod
    def from_json(cls, text: str) -> "Order":
        """What `to_json` gave."""
        read = json.loads(text)
        entries = [ModelEntry(**entry) for entry in read["registry"]]
        return cls(
            read["id"], read["device"], read["provider"], read["threads"],
            ServiceSettings.from_json(read["settings"]), {entry.id: entry for entry in entries},
        )  # fmt: skip


class Worker:
    """Takes jobs until it is told to stop."""

    def __init__(self, order: Order) -> None:
        self.order, self.stop, self.ready = order, threading.Event(), threading.Event()
        self.database = Database(order.settings.data / DATABASE, lasting=False)
        self.folders = Folders(order.settings.data)
        self.shelf = Shelf(order.registry, order.provider, order.settings.models_in_memory)
        self._claims: list[Claim] = []

    def run(self) -> None:
        """Until `stop` is set and the job in hand is done."""
        threading.Thread(target=self._beat, name="beat", daemon=True).start()
        self.shelf.describe_all(self.database)
        self.ready.set()
        beside = threading.Thread(target=self._serve, args=("prediction",), name="predictions")
        beside.start()
        self._serve("explanation")
        beside.join()

    def _serve(self, kind: Kind) -> None:
        while not self.stop.is_set():
            claim = claim_next(self.database, kind, self.order.id, self.order.settings.lease_seconds)
            if claim is None:
                self.stop.wait(_LOOK_SECONDS)
                continue
            self._claims.append(claim)
            try:
                self._work(claim)
            finally:
                self._claims.remove(claim)

    def _work(self, claim: Claim) -> None:
        """Every way in which a job can end."""
        try:
            if claim.job.kind == "explanation":
                self._explain(claim)
            else:
                self._predict(claim)
            claim.check()
        except AttemptEnded:
            claim.end("cancelled")  # writes nothing where the job is another attempt's
        except MisureError as error:
            folder = self.folders.of(claim.job.id)
            told = without_folders(str(error), self.order.registry, folder)
            claim.end("failed", {"type": type(error).__name__, "detail": told})
        except Exception as error:  # noqa: BLE001 - whatever one job does, the others are done
            _log.exception("job %s failed", claim.job.id)
            claim.end("failed", {"type": "InternalError", "detail": f"internal error: {type(error).__name__}"})
        else:
            claim.end("succeeded")

    def _explain(self, claim: Claim) -> None:
        job = claim.job
        claim.tell("model", 0, 1)
        segmenter = self.shelf.take(job.request["model"])
        claim.tell("model", 1, 1)
        explain_into(self.folders.attempt(job.id, job.attempt), segmenter, self._image(job), job.request, claim.tell)

    def _predict(self, claim: Claim) -> None:
        job = claim.job
        document = predict(self.shelf.take(job.request["model"]), self._image(job))
        folder = self.folders.attempt(job.id, job.attempt)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / PREDICTION).write_bytes(encode_json({"model": job.request["model"], **document}))

    def _image(self, job: Job) -> LoadedImage:
        return load_image(self.folders.image(job.id), self.order.settings.limits.pixels)

    def _beat(self) -> None:
        """Signs of life as long as there is any; without them the jobs would be taken away anyway."""
        try:
            while True:
                self._beat_once()
                time.sleep(_BEAT_SECONDS)
        except BaseException:  # noqa: BLE001 - whatever it was, a worker without a sign of life is none
            _log.exception("worker %s cannot reach the database", self.order.id)
            os._exit(1)

    def _beat_once(self) -> None:
        """Of the worker and of the jobs in its hands; and the end of work that does not end."""
        with self.database.writing() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO worker(id, device, ready, beat) VALUES (?, ?, ?, ?)",
                (self.order.id, self.order.device, int(self.ready.is_set()), time.time()),
            )
        for claim in list(self._claims):
            claim.renew()
            self._end_overdue(claim)

    def _end_overdue(self, claim: Claim) -> None:
        now, most = time.monotonic(), self.order.settings.limits.job_seconds
        if claim.cancel_wanted_since is not None and now > claim.cancel_wanted_since + _CANCEL_SECONDS:
            ended = claim.end("cancelled")
        elif now > claim.begun + most:
            detail = f"the job took more than the {most:g} seconds that this service allows"
            ended = claim.end("failed", {"type": "TimedOut", "detail": detail})
        else:
            return
        if ended:
            os._exit(1)  # the thread that computes cannot be stopped otherwise; the server starts another worker


def _die_with_server() -> None:
    """Whoever has no server left would compute for nobody."""
    end_with_parent()
    if sys.platform == "linux":
        with contextlib.suppress(OSError):  # where memory runs out, a worker goes first: it is replaced
            Path("/proc/self/oom_score_adj").write_text("500", encoding="ascii")
    threading.Thread(target=_watch_input, name="server", daemon=True).start()


def _watch_input() -> None:
    while os.read(0, 4096):
        pass
    os._exit(1)


def main() -> None:
    """The process."""
    order = Order.from_json(_first_line())
    _die_with_server()
    logging.basicConfig(stream=sys.stderr, format="%(levelname)s %(name)s %(message)s")
    cv2.setNumThreads(order.threads)
    worker = Worker(order)

    def end(number: int, frame: Any) -> None:
        del number, frame
        worker.stop.set()

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the server decides
    signal.signal(signal.SIGTERM, end)
    worker.run()


def _first_line() -> str:
    """Read without a buffer, which would keep what follows from the thread that watches."""
    read = b""
    while not read.endswith(b"\n"):
        piece = os.read(0, 65536)
        if not piece:
            raise SystemExit(1)
        read += piece
    return read.decode()


if __name__ == "__main__":
    main()
