"""The explanations of two audits of the same data, side by side: a pair an image, class and method."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from misure_onnx.audit.columns import Row
from misure_onnx.audit.maps import load_map
from misure_onnx.audit.rle import decode
from misure_onnx.audit.table import read_rows
from misure_onnx.errors import InputError
from misure_onnx.metrics.agreement import spearman
from misure_onnx.overlap import hard_dice, iou


@dataclass(frozen=True)
class Pair:
    """What two models make of one class in one image.

    Attributes:
        image, group: where.
        label: the class's name, or "class 3".
        method: which explanation.
        found_by: both, a or b (the other does not predict the class), neither (both were asked about it), or failed.
        prediction_dice: Dice of the two predictions; 0 where only one model finds the class.
        region_iou: intersection over union of the two minimal regions; 0 as above.
        region_iou_by_chance: what two regions of these areas have on average when they lie at random in what both
            predictions and regions cover together.
        map_correlation: Spearman's, of the two saliency maps; 0 as above; None where a map is constant.
        ratio_difference: perturbation ratio of b minus that of a.
        dice_explained_a, dice_explained_b, ratio_a, ratio_b: of each.
        error: why nothing was compared.
    """

    image: str
    group: str | None
    label: str
    method: str
    found_by: str
    prediction_dice: float | None = None
    region_iou: float | None = None
    region_iou_by_chance: float | None = None
    map_correlation: float | None = None
    ratio_difference: float | None = None
    dice_explained_a: float | None = None
    dice_explained_b: float | None = None
    ratio_a: float | None = None
    ratio_b: float | None = None
    error: str | None = None


_UNANSWERED = ("failed", "over_budget")

MEASURES = ("prediction_dice", "region_iou", "map_correlation", "ratio_difference")
"""What statistics are made of."""


def pairs(a: Path, b: Path) -> Iterator[Pair]:
    """Every pair of two audits' folders, in the order of the data set, an image at a time.

    Raises:
        InputError: the two do not hold the same images.
    """
    both = itertools.zip_longest(_by_image(a), _by_image(b))
    for mine, other in both:
        if mine is None or other is None or _image(mine) != _image(other):
            raise InputError(f"{str(a)!r} and {str(b)!r} are audits of different images: they cannot be compared")
        yield from _pairs_of_image(a, mine, b, other)


def _by_image(place: Path) -> Iterator[list[Row]]:
    for _, rows in itertools.groupby(read_rows(place), key=lambda row: (row["image"], row["image_sha256"])):
        yield list(rows)


def _image(rows: list[Row]) -> tuple[str, str | None]:
    return rows[0]["image"], rows[0]["image_sha256"]


def _pairs_of_image(a: Path, mine: list[Row], b: Path, other: list[Row]) -> Iterator[Pair]:
    named = all(row["class_name"] for row in (*mine, *other) if row["class_index"] is not None)
    of_a, of_b = _by_question(mine, named=named), _by_question(other, named=named)
    if not of_a and not of_b:
        yield from _without_classes(mine, other)
    for label, method in dict.fromkeys([*of_a, *of_b]):
        rows = of_a.get((label, method)), of_b.get((label, method))
        yield _compared((a, b), (mine, other), rows, label)


def _without_classes(mine: list[Row], other: list[Row]) -> Iterator[Pair]:
    """An image in which no class is known: an error where a model failed, nothing to say where both see background."""
    for one, two in zip(mine, other, strict=True):
        errors = [f"{m}: {row['error']}" for m, row in (("a", one), ("b", two)) if row["status"] == "failed"]
        if errors:
            yield Pair(one["image"], one["group"], "-", one["method"], "failed", error="; ".join(errors))


def _by_question(rows: list[Row], *, named: bool) -> dict[tuple[str, str], Row]:
    """Rows that know their class, by name where both models have names; of a whole image that failed, none."""
    known = (row for row in rows if row["class_index"] is not None)
    return {(row["class_name"] if named else f"class {row['class_index']}", row["method"]): row for row in known}


def _compared(
    places: tuple[Path, Path], images: tuple[list[Row], list[Row]], rows: tuple[Row | None, Row | None], label: str
) -> Pair:
    known = next(row for row in rows if row is not None)
    named = (known["image"], known["group"], label, known["method"])
    errors = [_failure(row, of_image) for row, of_image in zip(rows, images, strict=True)]
    if any(errors):
        return Pair(*named, "failed", error="; ".join(f"{m}: {e}" for m, e in zip("ab", errors, strict=True) if e))
    one, two = (row if row is not None and row["minimal_region_rle"] is not None else None for row in rows)
    if one is None and two is None:
        return Pair(*named, "neither")
    if one is None or two is None:
        return Pair(*named, "b" if one is None else "a", prediction_dice=0.0, region_iou=0.0, map_correlation=0.0)
    return _both(named, places, one, two)


def _failure(row: Row | None, of_image: list[Row]) -> str | None:
    """Why a model has no answer; not predicting the class is an answer."""
    if row is None:  # then only what failed before any class was known
        return next((r["error"] for r in of_image if r["class_index"] is None and r["status"] in _UNANSWERED), None)
    return row["error"] if row["status"] in _UNANSWERED else None


def _both(named: tuple[str, str | None, str, str], places: tuple[Path, Path], one: Row, two: Row) -> Pair:
    size = tuple(one["size"])
    if size != tuple(two["size"]):
        raise InputError(f"image {named[0]!r} has another size in one of the two audits: they cannot be compared")
    predictions = [decode(row["prediction_rle"], size) for row in (one, two)]
    regions = [decode(row["minimal_region_rle"], size) for row in (one, two)]
    room = int(np.logical_or.reduce([*predictions, *regions]).sum())
    return Pair(
        *named,
        "both",
        prediction_dice=float(hard_dice(*predictions)),
        region_iou=iou(*regions),
        region_iou_by_chance=iou_by_chance(int(regions[0].sum()), int(regions[1].sum()), room),
        map_correlation=spearman(*(load_map(*at) for at in zip(places, (one, two), strict=True))),
        ratio_difference=two["perturbation_ratio"] - one["perturbation_ratio"],
        dice_explained_a=one["dice_explained"],
        dice_explained_b=two["dice_explained"],
        ratio_a=one["perturbation_ratio"],
        ratio_b=two["perturbation_ratio"],
    )


def iou_by_chance(first: int, second: int, room: int) -> float:
    """Of two sets of so many pixels at random places among `room`: the expected overlap over the union it leaves."""
    if room == 0 or first + second == 0:
        return 1.0 if first + second == 0 else 0.0
    common = first * second / room
    return common / (first + second - common)
