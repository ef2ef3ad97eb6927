"""A worker's orders, its signs of life, and the end of work that does not end by itself."""

import os
import time
from pathlib import Path

import pytest

from misure_onnx.service.claim import Claim, claim_next
from misure_onnx.service.database import DATABASE, Database
from misure_onnx.service.job import Folders
from misure_onnx.service.job_queue import JobQueue, Submission
from misure_onnx.service.registry import read_registry
from misure_onnx.service.settings import Limits, ServiceSettings
from misure_onnx.service.worker import Order, Worker


@pytest.fixture
def order(tmp_path: Path, models: Path) -> Order:
    settings = ServiceSettings(data=tmp_path, models=models, limits=Limits(job_seconds=50))
    return Order("w", "cpu", "cpu", 1, settings, read_registry(models))


@pytest.fixture
def exits(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    statuses = list[int]()
    monkeypatch.setattr(os, "_exit", statuses.append)
    return statuses


def in_hand(order: Order, worker: Worker) -> tuple[JobQueue, Claim]:
    """A job that the worker has begun."""
    database = Database(order.settings.data / DATABASE)
    database.create()
    queue = JobQueue(database, Folders(order.settings.data), 9)
    queue.submit(Submission("", "explanation", {}, b"", "f"))
    claim = claim_next(database, "explanation", order.id, 9.0)
    assert claim is not None
    worker._claims.append(claim)
    return queue, claim


def state(queue: JobQueue, claim: Claim) -> str:
    found = queue.find(claim.job.id, "", "explanation")
    assert found is not None
    return found.state


def test_an_order_arrives_as_it_was_given(order: Order) -> None:
    assert "\n" not in order.to_json()
    assert Order.from_json(order.to_json()) == order


def test_a_beat_renews_the_lease_and_says_that_the_worker_lives(order: Order, exits: list[int]) -> None:
    worker = Worker(order)
    queue, claim = in_hand(order, worker)
    begun = time.time()
    worker._beat_once()
    with queue.database.reading() as connection:
        (lease,) = connection.execute("SELECT lease FROM job").fetchone()
        (beat,) = connection.execute("SELECT beat FROM worker WHERE id = 'w'").fetchone()
    assert lease >= begun + 9.0
    assert beat >= begun
    assert (state(queue, claim), exits) == ("running", [])


def test_cancelled_work_that_goes_on_is_ended_with_its_process(order: Order, exits: list[int]) -> None:
    worker = Worker(order)
    queue, claim = in_hand(order, worker)
    queue.cancel(claim.job)
    worker._beat_once()
    assert (state(queue, claim), exits) == ("running", [])
    claim.cancel_wanted_since = time.monotonic() - 11
    worker._beat_once()
    assert (state(queue, claim), exits) == ("cancelled", [1])


def test_work_beyond_its_time_is_ended_with_its_process(order: Order, exits: list[int]) -> None:
    worker = Worker(order)
    queue, claim = in_hand(order, worker)
    claim.begun -= 51
    worker._beat_once()
    assert (state(queue, claim), exits) == ("failed", [1])
