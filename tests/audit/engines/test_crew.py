"""Handing out images: every one once, again where its worker died, and given up in the end."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from misure_onnx.audit.engines.crew import dispatch
from misure_onnx.audit.sample import Sample
from misure_onnx.audit.worker import Done, Job
from misure_onnx.errors import MisureError


class ScriptedCrew:
    """Workers that die when they get some images, until the image is marked as fatal."""

    size, attempts = 2, 3

    def __init__(self, deadly: Sequence[int] = (), *, always: bool = False) -> None:
        self.deadly, self.always = deadly, always
        self.waiting: list[Job] = []
        self.handed_out: list[int] = []
        self.fatal: dict[int, str] = {}

    def submit(self, job: Job) -> None:
        assert len(self.waiting) < self.size
        self.waiting.append(job)
        self.handed_out.append(job.index)

    def wait(self) -> Sequence[tuple[Job, Done | None]]:
        job = self.waiting.pop(0)
        if job.index in self.deadly and (self.always or job.fatal is None):
            return [(job, None)]
        if job.fatal is not None:
            self.fatal[job.index] = job.fatal
        return [(job, Done(job.index, (), 1))]

    def close(self) -> None:
        pass


def jobs(count: int) -> list[Job]:
    return [Job(index, Sample(f"{index}.png", (Path("x"),))) for index in range(count)]


def test_every_image_is_handed_out_once() -> None:
    crew = ScriptedCrew()
    assert sorted(done.index for done in dispatch(crew, jobs(7))) == list(range(7))
    assert sorted(crew.handed_out) == list(range(7))


def test_an_image_that_kills_its_workers_is_given_up_and_the_others_are_done() -> None:
    crew = ScriptedCrew(deadly=[2])
    assert sorted(done.index for done in dispatch(crew, jobs(5))) == list(range(5))
    assert crew.handed_out.count(2) == crew.attempts + 1
    assert "every worker that took this image died" in crew.fatal[2]
    assert set(crew.fatal) == {2}


def test_workers_that_die_whatever_they_do_end_the_audit() -> None:
    with pytest.raises(MisureError, match="workers die even when"):
        list(dispatch(ScriptedCrew(deadly=[0], always=True), jobs(2)))


def test_no_more_images_are_taken_than_workers_are_free() -> None:
    taken = 0

    def lazily() -> object:
        nonlocal taken
        for job in jobs(100):
            taken += 1
            yield job

    ends = dispatch(ScriptedCrew(), lazily())  # type: ignore[arg-type]
    next(ends)
    assert taken == 2
