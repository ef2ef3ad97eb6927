"""A Ray that is started here: what happens where its processes are late."""

import inspect
from typing import Any

import pytest

pytest.importorskip("ray", reason="ray is not installed")

import ray

from misure_onnx.audit.engines.ray_core import _LATE, _STARTS, start_here


class Late:
    """Stands in for the module: a busy machine cannot be ordered, and each late start takes 30 s."""

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.started: list[dict[str, Any]] = []

    def init(self, **options: Any) -> None:
        self.started.append(options)
        if self.failures:
            raise self.failures.pop(0)


def late() -> Exception:
    return Exception(f"The current node {_LATE}. This could happen because ...")


def test_the_installed_ray_says_late_in_the_words_that_are_looked_for() -> None:
    assert _LATE in inspect.getsource(ray._private.node)


def test_a_start_that_was_late_is_tried_again() -> None:
    module = Late(late(), late())
    start_here(module, 2, log_to_driver=False)
    assert len(module.started) == 3
    assert all(options == module.started[0] for options in module.started)
    assert module.started[0]["log_to_driver"] is False
    assert module.started[0]["num_cpus"] >= 2


def test_a_machine_that_is_too_busy_is_named_and_what_to_do() -> None:
    with pytest.raises(RuntimeError, match=r"within 30 s, 3 times.*--engine local.*--ray-address"):
        start_here(Late(*(late() for _ in range(_STARTS))), 2)


def test_any_other_failure_is_not_tried_again() -> None:
    module = Late(ValueError("no such folder"))
    with pytest.raises(ValueError, match="no such folder"):
        start_here(module, 2)
    assert len(module.started) == 1
