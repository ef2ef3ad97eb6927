"""What is said about mutants is what was counted."""

import json
from pathlib import Path

from benchmarks.mutants import RESULT, counted, kind_of, table

PAGE = Path(__file__).resolve().parents[2] / "docs" / "robustness.md"


def test_the_table_is_that_of_the_committed_counts() -> None:
    document = json.loads(RESULT.read_text(encoding="utf-8"))
    assert table(document) in PAGE.read_text(encoding="utf-8"), (
        "run: python -m benchmarks.mutants --docs docs/robustness.md"
    )


def test_survivors_are_sorted_by_what_was_changed() -> None:
    assert kind_of(["- x = np.asarray(y, np.float32)", "+ x = np.asarray(y, None)"]) == "type"
    assert kind_of(['- progress("a", 1, 2)', '+ progress("a", 2, 2)']) == "progress"
    assert kind_of(["- low = middle + 1", "+ low = middle - 1"]) == "open"


def test_what_ended_in_any_other_way_than_by_passing_was_noticed() -> None:
    codes = {"misure_onnx.mask.a": 1, "misure_onnx.mask.b": -24, "misure_onnx.mask.c": 33}
    assert counted(codes) == {"modules": {"mask": {"killed": 2, "no_test": 1}}, "survivors": {}}
