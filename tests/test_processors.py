"""How many processors are used: never more than there are, and fewer where that is asked for."""

import pytest

from misure_onnx.processors import THREADS, usable_cores


def test_workers_can_be_told_to_use_fewer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(THREADS, raising=False)
    everything = usable_cores()
    for wanted, expected in (
        ("1", 1),
        (str(everything + 7), everything),
        ("0", 1),
        ("many", everything),
        ("", everything),
    ):
        monkeypatch.setenv(THREADS, wanted)
        assert usable_cores() == expected
