"""What is said about mutants is what was counted."""

import json
from pathlib import Path

from benchmarks.mutants import JUDGED, KINDS, RESULT, counted, judgement, table
from benchmarks.try_mutants import TESTS, own_tests

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "robustness.md"
DOCUMENT = json.loads(RESULT.read_text(encoding="utf-8"))
JUDGEMENTS = json.loads(JUDGED.read_text(encoding="utf-8"))


def test_the_table_is_that_of_the_committed_counts() -> None:
    assert table(DOCUMENT) in PAGE.read_text(encoding="utf-8"), (
        "run: python -m benchmarks.mutants --docs docs/robustness.md"
    )


def test_counts_and_survivors_agree() -> None:
    assert len(DOCUMENT["survivors"]) == sum(found.get("survived", 0) for found in DOCUMENT["modules"].values())


def test_every_survivor_has_its_judgement_and_every_judgement_its_survivor() -> None:
    used = set()
    for name, survivor in DOCUMENT["survivors"].items():
        assert survivor == judgement(name, survivor["change"], JUDGEMENTS), name
        used.add((name.rpartition("__mutmut_")[0], *survivor["change"]))
    for function, judged in JUDGEMENTS.items():
        for one in judged:
            assert one["kind"] in KINDS
            assert one["why"]
            assert (function, *one["change"]) in used, f"no survivor of {function} has this change: {one['change']}"


def test_a_survivor_without_a_judgement_is_open() -> None:
    judged = {"mask.x_dilate": [{"change": ["- a", "+ b"], "kind": "same", "why": "a is b"}]}
    assert judgement("mask.x_dilate__mutmut_3", ["- a", "+ b"], judged)["kind"] == "same"
    for name, change in (("mask.x_dilate__mutmut_3", ["- a", "+ c"]), ("mask.x_moved__mutmut_3", ["- a", "+ b"])):
        assert judgement(name, change, judged) == {"change": change, "kind": "open"}


def test_what_ended_in_any_other_way_than_by_passing_was_noticed() -> None:
    codes = {"misure_onnx.mask.a": 1, "misure_onnx.mask.b": -24, "misure_onnx.mask.c": 33}
    assert counted(codes, {}) == {"modules": {"mask": {"noticed": 2, "no_test": 1}}, "survivors": {}}


def test_each_module_is_tried_on_tests_that_exist() -> None:
    for module in (*TESTS, "metrics.insertion", "metrics.agreement"):
        assert module.replace(".", "/") in {
            str(path.relative_to(ROOT / "misure_onnx").with_suffix("")) for path in (ROOT / "misure_onnx").rglob("*.py")
        }
        assert all((ROOT / file).is_file() for file in own_tests(f"misure_onnx.{module}.x_some__mutmut_1"))
