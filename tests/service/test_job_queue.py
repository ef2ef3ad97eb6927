"""The states of jobs, without a server: who may write what, and when."""

import json
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from misure_onnx.service.claim import AttemptEnded, Claim, claim_next
from misure_onnx.service.database import Database
from misure_onnx.service.events import events_of
from misure_onnx.service.job import Folders, Job
from misure_onnx.service.job_queue import MOST_DEATHS, JobQueue, KeyReused, QueueFull, Submission

LEASE = 100.0


@pytest.fixture
def queue(tmp_path: Path) -> JobQueue:
    database = Database(tmp_path / "jobs.sqlite3")
    database.create()
    return JobQueue(database, Folders(tmp_path), most_waiting=5)


def submit(queue: JobQueue, **changes: Any) -> Job:
    wanted: dict[str, Any] = {
        "owner": "a",
        "kind": "explanation",
        "request": {"x": 1},
        "image": b"i",
        "fingerprint": "f",
    }
    return queue.submit(Submission(**{**wanted, **changes}))


def claim(queue: JobQueue, worker: str = "w", lease: float = LEASE) -> Claim:
    claimed = claim_next(queue.database, "explanation", worker, lease)
    assert claimed is not None
    return claimed


def state(queue: JobQueue, job: Job) -> str:
    found = queue.find(job.id, job.owner, "explanation")
    assert found is not None
    return found.state


def states(queue: JobQueue, job: Job) -> list[str]:
    """Every state that was told."""
    return [json.loads(event.data)["state"] for event in events_of(queue.database, job.id, 0) if event.kind == "state"]


def test_jobs_are_claimed_in_the_order_of_submission_and_once(queue: JobQueue) -> None:
    jobs = [submit(queue) for _ in range(3)]
    assert [claim(queue).job.id for _ in jobs] == [job.id for job in jobs]
    assert claim_next(queue.database, "explanation", "w", LEASE) is None


def test_owners_take_turns(queue: JobQueue) -> None:
    mine = [submit(queue) for _ in range(3)]
    other = submit(queue, owner="b")
    assert [claim(queue).job.id for _ in range(4)] == [mine[0].id, other.id, mine[1].id, mine[2].id]


def test_of_many_workers_each_job_goes_to_one(queue: JobQueue) -> None:
    jobs = [submit(queue) for _ in range(5)]
    claimed = list[str]()

    def take() -> None:
        while (one := claim_next(queue.database, "explanation", "w", LEASE)) is not None:
            claimed.append(one.job.id)

    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(claimed) == sorted(job.id for job in jobs)


def test_kinds_do_not_wait_for_each_other(queue: JobQueue) -> None:
    submit(queue)
    prediction = submit(queue, kind="prediction")
    claimed = claim_next(queue.database, "prediction", "w", LEASE)
    assert claimed is not None
    assert claimed.job.id == prediction.id


def test_the_image_is_there_before_the_job_is(queue: JobQueue) -> None:
    assert queue.folders.image(submit(queue, image=b"picture").id).read_bytes() == b"picture"


def test_a_worker_that_lost_its_lease_writes_nothing(queue: JobQueue) -> None:
    job = submit(queue)
    first = claim(queue, lease=-1.0)
    queue.put_back()
    second = claim(queue)
    assert (first.job.attempt, second.job.attempt) == (1, 2)
    with pytest.raises(AttemptEnded):
        first.tell("stage", 1, 2)
    assert not first.end("succeeded")
    assert state(queue, job) == "running"
    assert second.end("succeeded")
    assert not second.end("failed", {"type": "E", "detail": "d"})
    assert states(queue, job) == ["queued", "running", "queued", "running", "succeeded"]


def test_a_lease_that_is_renewed_is_kept(queue: JobQueue) -> None:
    job = submit(queue)
    held = claim(queue, lease=-1.0)
    held._lease_seconds = LEASE
    held.renew()
    queue.put_back()
    assert state(queue, job) == "running"


def test_a_clock_that_jumps_ahead_gives_a_job_to_another_and_ends_it_once(
    queue: JobQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    job, now = submit(queue), time.time()
    first = claim(queue)
    monkeypatch.setattr(time, "time", lambda: now + 3600)
    queue.put_back()
    second = claim(queue, "other")
    first.renew()
    with pytest.raises(AttemptEnded):
        first.check()
    assert not first.end("succeeded")
    assert second.end("succeeded")
    assert states(queue, job) == ["queued", "running", "queued", "running", "succeeded"]


def test_a_clock_that_is_set_back_keeps_a_living_workers_job_and_frees_a_dead_ones(
    queue: JobQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    alive, dead, now = submit(queue), submit(queue), time.time()
    held = claim(queue, "alive")
    claim(queue, "dead")
    monkeypatch.setattr(time, "time", lambda: now - 3600)
    queue.put_back()
    queue.put_back("dead")
    held.tell("stage", 1, 2)
    assert (state(queue, alive), state(queue, dead)) == ("running", "queued")
    assert held.end("succeeded")
    assert claim(queue, "other").job.id == dead.id


def test_what_a_dead_worker_had_waits_again_and_what_others_have_does_not(queue: JobQueue) -> None:
    dead, alive = submit(queue), submit(queue)
    claim(queue, "dead")
    claim(queue, "alive")
    queue.put_back("dead")
    assert (state(queue, dead), state(queue, alive)) == ("queued", "running")


def test_a_job_that_kills_its_workers_is_given_up_and_says_so(queue: JobQueue) -> None:
    job = submit(queue)
    for _ in range(MOST_DEATHS):
        claim(queue, "w")
        queue.put_back("w")
    found = queue.find(job.id, "a", "explanation")
    assert found is not None
    assert found.state == "failed"
    assert found.error is not None
    assert "workers died" in found.error["detail"]


def test_a_server_that_ends_blames_no_job(queue: JobQueue) -> None:
    job = submit(queue)
    for _ in range(MOST_DEATHS + 1):
        claim(queue)
        queue.put_back_all()
    assert state(queue, job) == "queued"


def test_a_waiting_job_is_cancelled_at_once_and_never_claimed(queue: JobQueue) -> None:
    job = submit(queue)
    queue.cancel(job)
    assert state(queue, job) == "cancelled"
    assert claim_next(queue.database, "explanation", "w", LEASE) is None


def test_a_running_job_notices_with_its_next_batch_that_it_was_cancelled(queue: JobQueue) -> None:
    job = submit(queue)
    held = claim(queue)
    held.tell("stage", 0, 9)
    queue.cancel(job)
    held.renew()
    with pytest.raises(AttemptEnded):
        held.tell("stage", 1, 9)


def test_a_cancelled_job_whose_worker_died_does_not_start_again(queue: JobQueue) -> None:
    job = submit(queue)
    claim(queue, "w")
    queue.cancel(job)
    queue.put_back("w")
    assert state(queue, job) == "cancelled"


def test_progress_is_not_written_for_every_batch(queue: JobQueue) -> None:
    job = submit(queue)
    held = claim(queue)
    for done in range(1001):
        held.tell("stage", done, 1000)
    told = [event for event in events_of(queue.database, job.id, 0) if event.kind == "progress"]
    assert 2 <= len(told) < 100


def test_the_queue_is_bounded(queue: JobQueue) -> None:
    for _ in range(5):
        submit(queue)
    with pytest.raises(QueueFull):
        submit(queue)
    assert len(list(queue.folders.root.iterdir())) == 5
    claim(queue).end("succeeded")
    submit(queue)


def test_a_key_stands_for_one_request_of_one_owner(queue: JobQueue) -> None:
    first = submit(queue, idempotency_key="k")
    assert submit(queue, idempotency_key="k").id == first.id
    assert submit(queue, idempotency_key="k", owner="b").id != first.id
    with pytest.raises(KeyReused):
        submit(queue, idempotency_key="k", fingerprint="g")
    assert len(list(queue.folders.root.iterdir())) == 2


def test_of_many_requests_with_one_key_there_is_one_job(queue: JobQueue) -> None:
    made = list[str]()
    threads = [threading.Thread(target=lambda: made.append(submit(queue, idempotency_key="k").id)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 8
    assert len(set(made)) == 1


def test_a_job_is_its_owners_alone(queue: JobQueue) -> None:
    job = submit(queue)
    assert queue.find(job.id, "b", "explanation") is None
    assert queue.listed("b", "explanation", None, 10) == []


def test_only_what_has_ended_is_removed_and_old_jobs_are(queue: JobQueue) -> None:
    running, old = submit(queue), submit(queue)
    held = claim(queue)
    assert held.job.id == running.id
    assert not queue.remove(running)
    claim(queue).end("succeeded")
    assert queue.remove_old(keep_seconds=3600) == 0
    assert queue.remove_old(keep_seconds=-1) == 1
    assert queue.find(old.id, "a", "explanation") is None
    assert not queue.folders.of(old.id).exists()
    assert events_of(queue.database, old.id, 0) == []


def test_folders_of_no_job_are_removed(queue: JobQueue) -> None:
    job = submit(queue)
    (queue.folders.root / "stray").mkdir()
    queue.remove_strays()
    assert [path.name for path in queue.folders.root.iterdir()] == [job.id]
