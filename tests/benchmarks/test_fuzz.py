"""The fuzzer: it finds what it is meant to find, and its committed figures are those of the docs."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.fuzz import __main__ as fuzz
from benchmarks.fuzz import doors
from benchmarks.fuzz.doors import DOORS
from benchmarks.fuzz.mutations import broken_bytes, broken_document, broken_words

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("door", DOORS)
def test_a_few_broken_inputs_are_taken_or_refused(door: str) -> None:
    found = fuzz.through(door, 12, seed=1)
    assert found["findings"] == []
    assert found["accepted"] + found["refused"] == 12


def test_an_input_is_broken_the_same_way_again() -> None:
    def broken() -> tuple[bytes, Any, list[str]]:
        rng = np.random.default_rng(3)
        sample = bytes(range(256))
        return broken_bytes(sample, [sample], rng), broken_document({"a": [1, 2]}, rng), broken_words(["x"], ["y"], rng)

    assert repr(broken()) == repr(broken())


@pytest.fixture
def worker(tmp_path: Path) -> Path:
    """A module of doors that are broken on purpose, in the place of the real ones."""
    (tmp_path / "sitecustomize.py").write_text(
        "import os, time\n"
        "from pathlib import Path\n"
        "from benchmarks.fuzz import doors\n"
        "def crash(rng): raise ValueError('unforeseen')\n"
        "def die(rng): os.kill(os.getpid(), 9)\n"
        "def hang(rng): time.sleep(60)\n"
        "def stray(rng): Path('stray.txt').touch()\n"
        "for name, read in {'crash': crash, 'die': die, 'hang': hang, 'stray': stray}.items():\n"
        "    doors.DOORS[name] = doors.Door(0.0, read)\n"
    )
    return tmp_path


@pytest.mark.parametrize(
    ("door", "words"),
    [("crash", "ValueError"), ("die", "ended with -9"), ("hang", "more than 1 seconds"), ("stray", "stray.txt")],
)
def test_what_is_wrong_is_found(door: str, words: str, worker: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fuzz, "ROOT", f"{worker}:{ROOT}")
    monkeypatch.setattr(fuzz, "SECONDS", 1.0)
    findings = fuzz.through(door, 1, seed=0)["findings"]
    assert findings
    assert words in findings[0]["what"]


def test_the_committed_figures_are_those_of_the_docs() -> None:
    document = json.loads((ROOT / "benchmarks" / "results" / "fuzz.json").read_text(encoding="utf-8"))
    assert set(document["doors"]) == set(doors.DOORS)
    assert sum(door["inputs"] for door in document["doors"].values()) >= 100_000
    assert all(door["accepted"] + door["refused"] == door["inputs"] for door in document["doors"].values())
    assert fuzz.table(document) in (ROOT / "docs" / "robustness.md").read_text(encoding="utf-8"), (
        "run: python -m benchmarks.fuzz --docs docs/robustness.md"
    )


def test_writing_the_table_runs_no_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = tmp_path / "page.md"
    page.write_text("\n".join(fuzz.MARKERS))
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(fuzz, "through", lambda *_: pytest.fail("an input was run"))
    monkeypatch.setattr("sys.argv", ["fuzz", "--docs", str(page)])
    fuzz.main()
    assert "| command line |" in page.read_text()
