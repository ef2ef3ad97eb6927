"""Kill -9 of a worker and of the server in the middle of jobs: every accepted job ends in its right result, once."""

import io
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from misure_onnx.api import load_segmenter, make_method
from misure_onnx.images import load_image
from misure_onnx.target import Target
from tests.service.examples import PATIENCE, ended, noise, submitted, until, without_time
from tests.service.running import Server, kill, lives, server
from tests.service.test_events import read

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are found in /proc")

MASKS = 2000  # seconds of work, hundreds of batches


def spec(seed: int) -> dict[str, Any]:
    return {"model": "network", "method": "rise", "settings": {"masks": MASKS}, "seed": seed}


@pytest.fixture(scope="module")
def expected(models: Path, tmp_path_factory: pytest.TempPathFactory) -> list[tuple[dict[str, Any], npt.NDArray[Any]]]:
    """What the library says, for three seeds."""
    place = tmp_path_factory.mktemp("expected") / "image.png"
    place.write_bytes(noise())
    segmenter = load_segmenter(models / "network.onnx", models / "network.yaml", provider="cpu")
    method = make_method("rise", None, {"masks": str(MASKS)})
    found = [method.explain(segmenter, load_image(place), Target(), seed=seed) for seed in range(3)]
    return [(without_time(one.to_json()), one.saliency) for one in found]


def in_work(job: dict[str, Any]) -> bool:
    progress = job["progress"]
    return bool(progress) and progress["stage"] == "rise" and 0 < progress["done"] < progress["total"] / 2


def check(one: Server, paths: list[str], expected: list[tuple[dict[str, Any], npt.NDArray[Any]]]) -> list[int]:
    """Every job has its right result, and ended once; gives their attempts."""
    jobs = [ended(one.client, path) for path in paths]
    for job, (document, saliency) in zip(jobs, expected, strict=True):
        assert job["state"] == "succeeded", job["error"]
        assert without_time(one.client.get(job["links"]["result"]).json()) == document
        served = np.load(io.BytesIO(one.client.get(f"{job['links']['self']}/artifacts/saliency.npy").content))
        np.testing.assert_array_equal(served, saliency)
        told = [
            event.data["state"] for event in read(one.client.get(job["links"]["events"]).text) if event.kind == "state"
        ]
        assert told.count("succeeded") == 1
        assert told[-1] == "succeeded"
    listed = one.client.get("/v1/explanations").json()["explanations"]
    assert sorted(job["links"]["self"] for job in listed) == sorted(paths)
    return [job["attempt"] for job in jobs]


def test_killed_worker(tmp_path: Path, models: Path, expected: Any) -> None:
    with server(tmp_path / "data", "--models", str(models)) as one:
        paths = [submitted(one.client, noise(), spec(seed)) for seed in range(3)]
        until(one.client, paths[0], in_work)
        streamed = list[str]()
        listener = threading.Thread(target=lambda: streamed.append(one.client.get(f"{paths[0]}/events").text))
        listener.start()
        killed = one.worker
        kill(killed)
        until(one.client, paths[1], in_work)
        kill(one.worker)
        assert check(one, paths, expected) == [2, 2, 1]
        assert not lives(killed)
        listener.join(PATIENCE)
        states = [event.data["state"] for event in read(streamed[0]) if event.kind == "state"]
        assert states == ["queued", "running", "queued", "running", "succeeded"]
        assert "misure_worker_deaths_total 2.0" in one.client.get("/metrics").text


def test_killed_server(tmp_path: Path, models: Path, expected: Any) -> None:
    data = tmp_path / "data"
    first = Server(data, "--models", str(models))
    paths = [submitted(first.client, noise(), spec(seed), **{"Idempotency-Key": str(seed)}) for seed in range(3)]
    until(first.client, paths[0], in_work)
    orphan = first.worker
    first.kill()
    give_up = time.monotonic() + 10
    while lives(orphan):
        assert time.monotonic() < give_up, "the worker outlives its server"
        time.sleep(0.05)
    with server(data, "--models", str(models)) as second:
        again = [submitted(second.client, noise(), spec(seed), **{"Idempotency-Key": str(seed)}) for seed in range(3)]
        assert again == paths
        assert check(second, paths, expected) == [2, 1, 1]


def test_a_server_that_is_told_to_stop_ends_streams_and_loses_no_job(
    tmp_path: Path, models: Path, expected: Any
) -> None:
    data = tmp_path / "data"
    first = Server(data, "--models", str(models))
    paths = [submitted(first.client, noise(), spec(seed)) for seed in range(3)]
    until(first.client, paths[0], in_work)
    streamed = list[str]()
    listener = threading.Thread(target=lambda: streamed.append(first.client.get(f"{paths[2]}/events").text))
    listener.start()
    time.sleep(0.5)
    begun = time.monotonic()
    assert first.stop() == -signal.SIGTERM  # uvicorn ends by the signal, once all is in order
    assert time.monotonic() < begun + 30
    listener.join(PATIENCE)
    assert [event.data["state"] for event in read(streamed[0])] == ["queued"]
    with server(data, "--models", str(models)) as second:
        assert check(second, paths, expected) == [1, 1, 1]  # the one in hand was finished
