"""Which cases a report shows."""

from pathlib import Path
from typing import Any

from misure_onnx.report.gallery import COLUMNS, gallery


def row(image: str, dice: float, ratio: float, *, passed: bool | None) -> dict[str, Any]:
    known = {"image": image, "method": "misure", "class_name": "dog", "class_index": 1, "object": 0, "passed": passed}
    known |= {"size": [4, 4, 4]}  # a volume has no picture
    return dict.fromkeys(COLUMNS) | known | {"dice_explained": dice, "perturbation_ratio": ratio}


def kinds(rows: list[dict[str, Any]], folder: Path) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for case in gallery(folder, rows):
        found.setdefault(case.kind, []).append(case.image)
    return found


def test_regions_that_are_enough_are_told_apart_by_their_area(tmp_path: Path) -> None:
    """Their Dice all lies just above tau."""
    rows = [
        row("small", 0.901, 0.1, passed=True),
        row("large", 0.909, 3.0, passed=True),
        row("middle", 0.905, 0.5, passed=True),
        row("failed", 0.7, 0.05, passed=False),
    ]
    found = kinds(rows, tmp_path)
    assert (found["best"], found["worst"]) == (["small", "middle"], ["failed", "large"])


def test_methods_that_aim_at_no_dice_are_told_apart_by_it(tmp_path: Path) -> None:
    rows = [row(str(dice), dice, 1 - dice, passed=None) for dice in (0.2, 0.9, 0.5)]
    found = kinds(rows, tmp_path)
    assert (found["best"], found["worst"]) == (["0.9"], ["0.2"])


def test_a_single_explanation_is_neither_best_nor_worst(tmp_path: Path) -> None:
    assert kinds([row("one", 0.9, 0.5, passed=True)], tmp_path) == {"only": ["one"]}
