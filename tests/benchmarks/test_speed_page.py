"""The speed page shows the committed results, and the plain transcription is eq. 1."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.msr_speed.table import MARKERS, MODES_MARKERS, modes_table, table
from benchmarks.startup import MARKERS as STARTUP_MARKERS
from benchmarks.startup import table as startup_table

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "speed.md"
TABLES: dict[str, tuple[tuple[str, str], Callable[[Mapping[str, Any]], str]]] = {
    "msr_speed": (MARKERS, table),
    "msr_modes": (MODES_MARKERS, modes_table),
    "startup": (STARTUP_MARKERS, startup_table),
}


@pytest.mark.parametrize("name", TABLES)
def test_the_table_on_the_page_is_that_of_the_committed_results(name: str) -> None:
    (begin, end), written = TABLES[name]
    rows = json.loads((ROOT / "benchmarks" / "results" / f"{name}.json").read_text(encoding="utf-8"))["rows"]
    page = PAGE.read_text(encoding="utf-8")
    assert page.split(begin)[1].split(end)[0].strip() == written(rows)


def test_what_misses_its_aim_is_bold() -> None:
    row: dict[str, Any] = {
        "target": "dog", "model": "net", "network_of_transcription": "original",
        "passes": {"library_first in pass_original": 61, "library_next in pass_original": 59,
                   "transcription in pass_original": 110, "found in pass_original": 35,
                   "longer in pass_original": 120},
        "transcription_over_library": {"library_first": 2.9, "library_next": 3.0, "found": 3.1},
        "library": {"dice": 0.91, "ratio": 0.3}, "transcription": {"dice": 0.95, "ratio": 0.9},
        "found": {"ratio": 0.4}, "longer": {"ratio": 0.2},
    }  # fmt: skip
    cells = table({"A": row}).splitlines()[-1].split(" | ")
    assert cells[3:14] == ["**61**", "59", "110", "**2.9**", "3.0", "0.910", "0.30", "35", "3.1", "0.40", "0.950"]


def test_a_way_that_a_graph_refuses_and_a_compilation_that_never_pays_are_said() -> None:
    row: dict[str, Any] = {
        "seconds": {"torch": 0.04, "torch, channels last": 0.05}, "failed": {"torch, batches of 2": "RuntimeError"},
        "compilation": {"seconds": 31.0}, "masks_until_compilation_pays": None,
    }  # fmt: skip
    assert modes_table({"net": row}).splitlines()[2:] == [
        "| torch | 40 ms |",
        "| torch, channels last | 50 ms, 1.25 of one at a time |",
        "| torch, batches of 2 | refused by the graph |",
        "| `torch.compile` itself | 31 s, never pays |",
    ]


@pytest.fixture
def torch() -> Any:
    return pytest.importorskip("torch", reason="torch is not installed")


def test_the_transcription_s_loss_keeps_what_the_network_needs_and_drops_what_it_does_not(torch: Any) -> None:
    """A network whose score of a pixel is that pixel: bright ones are the object, and only they are kept."""
    from benchmarks.msr_speed.transcription import Question, transcribed  # noqa: PLC0415 - it imports torch

    size = (28, 28)
    image = np.zeros((1, 1, *size), np.float32)
    image[..., 8:16, 8:16] = 1.0

    def network(images: Any) -> Any:
        return torch.cat([4 - 8 * images, 8 * images - 4], dim=1)

    question = Question(1, "logits", exclusive=True, domain=np.ones(size, bool))
    mask = transcribed(network, torch.from_numpy(image), question)
    inside = image[0, 0] > 0
    assert mask.shape == size
    assert (mask[inside] > 0.5).mean() == 1.0  # each is worth more to the Dice than lambda / N
    assert (mask[~inside] == 0).all()  # outside the sufficient region, which is the object itself
