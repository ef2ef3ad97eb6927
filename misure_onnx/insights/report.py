"""All insights of an audit: numbers as JSON, a figure a class."""

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from misure_onnx.audit.asking import load_sample
from misure_onnx.audit.columns import Row
from misure_onnx.audit.datasets import Dataset, load_dataset
from misure_onnx.audit.record import RECORD
from misure_onnx.audit.rle import decode
from misure_onnx.errors import InputError
from misure_onnx.insights.outliers import Outlier, outliers
from misure_onnx.insights.recurring import Recurring, recurring, sides
from misure_onnx.insights.rows import ClassRows, by_class
from misure_onnx.insights.sizes import Relation, relation
from misure_onnx.insights.strategies import Strategy, strategies
from misure_onnx.rendering.insights_figure import Example, InsightsPage, draw_insights
from misure_onnx.rendering.overlay import RgbImage

SCHEMA = "misure-onnx/insights/1"
RELATED = ("dilations", "perturbation_ratio", "outside_share")
PLACES = ("outside_share", "boundary_share", "interior_share")


@dataclass(frozen=True, eq=False)
class ClassInsights:
    """One class.

    Attributes:
        known: its explained predictions.
        relations: of each number in `RELATED` with the prediction's area.
        quartiles: of each share in `PLACES`.
        recurring, sides: places outside the object that come back.
        strategies: clusters.
        outliers: the oddest explanations.
    """

    known: ClassRows
    relations: dict[str, Relation | None]
    quartiles: dict[str, tuple[float, float, float] | None]
    recurring: Recurring | None
    sides: dict[str, float] | None
    strategies: tuple[Strategy, ...]
    outliers: tuple[Outlier, ...]

    def to_json(self) -> dict[str, Any]:
        """Every number; examples by the names of their images."""
        names = [row["image"] for row in self.known.rows]
        recurring_places = None
        if self.recurring is not None:
            places = [dataclasses.asdict(place) for place in self.recurring.places]
            recurring_places = {"images": self.recurring.images, "places": places}
        return {
            "class_index": self.known.index,
            "class": self.known.label,
            "count": len(names),
            "groups": len(set(self.known.groups)),
            "with_size": {name: dataclasses.asdict(one) if one else None for name, one in self.relations.items()},
            "shares": self.quartiles,
            "recurring_context": recurring_places,
            "sides_of_context": self.sides,
            "strategies": [
                {"count": one.count, "medians": one.medians, "examples": [names[k] for k in one.examples]}
                for one in self.strategies
            ],
            "outliers": [dataclasses.asdict(one) for one in self.outliers],
        }


def insights(audit: Path, method: str | None = None, seed: int = 0) -> list[ClassInsights]:
    """Everything about every class of an audit.

    Args:
        audit: the folder that `misure audit` wrote.
        method: whose explanations; None: the only one's.
        seed: of intervals, draws and clusters.

    Raises:
        ParameterError, InputError: as `by_class`.
    """
    return [_of_class(known, seed) for known in by_class(audit, method)]


def _of_class(known: ClassRows, seed: int) -> ClassInsights:
    return ClassInsights(
        known,
        {name: relation(known, name, seed) for name in RELATED},
        {name: _quartiles(known, name) for name in PLACES},
        recurring(known, seed),
        sides(known),
        strategies(known, seed),
        outliers(known),
    )


def _quartiles(known: ClassRows, name: str) -> tuple[float, float, float] | None:
    values = known.numbers(name)
    values = values[np.isfinite(values)]
    if not values.size:
        return None
    low, middle, high = np.quantile(values, [0.25, 0.5, 0.75]).tolist()
    return low, middle, high


def document(found: Sequence[ClassInsights]) -> dict[str, Any]:
    """What `insights.json` holds."""
    return {"schema": SCHEMA, "method": found[0].known.rows[0]["method"], "classes": [one.to_json() for one in found]}


def audited_data(audit: Path) -> Dataset | None:
    """The images of an audit, for example pictures; None where they are not there any more."""
    try:
        data = json.loads((audit / RECORD).read_text(encoding="utf-8"))["data"]
        folder = data["images_folder"]
        return load_dataset(data["path"], data["format"], None if folder is None else Path(folder))
    except (OSError, ValueError, KeyError, TypeError, InputError):
        return None


def audited_picture(row: Row, data: Dataset | None) -> RgbImage:
    """The picture (H, W, 3) that a row of the table is about.

    Args:
        row: with the columns `image` and `size`.
        data: as `audited_data` gives it.

    Raises:
        InputError: it is a volume, or not there any more, or another one.
    """
    if len(row["size"]) != 2:
        raise InputError("only regions of images are drawn")
    sample = next((one for one in data.samples if one.name == row["image"]), None) if data else None
    if sample is None:
        raise InputError("the image does not lie where the audit found it")
    image = load_sample(sample, None, None).rgb
    if image.shape[:2] != tuple(row["size"]):
        raise InputError("the image has another size than when it was audited")
    return image


def figure(one: ClassInsights, data: Dataset | None) -> bytes:
    """PNG bytes: relations with the size, shares, recurring places, and examples of strategies and oddities."""
    rows = [(f"strategy {k}: {_in_words(s)}", s.examples) for k, s in enumerate(one.strategies, start=1)]
    if one.outliers:
        rows.append(("unlike the others", tuple(odd.place for odd in one.outliers[:4])))
    examples = [(title, [_example(one.known.rows[k], data) for k in places]) for title, places in rows]
    known = one.known
    page = InsightsPage(
        title=f"{known.label}: {len(known.rows)} explained predictions",
        area=known.numbers("area_share"),
        related={
            "dilations": (known.numbers("dilations"), _relation_text(one.relations["dilations"])),
            "perturbation ratio": (
                known.numbers("perturbation_ratio"),
                _relation_text(one.relations["perturbation_ratio"]),
            ),
        },
        shares={name.removesuffix("_share"): known.numbers(name) for name in PLACES},
        recurring=None if one.recurring is None else one.recurring.mean,
        marked=() if one.recurring is None else tuple((p.row, p.column) for p in one.recurring.places),
        examples=[(title, [shown for shown in some if shown is not None]) for title, some in examples],
    )
    return draw_insights(page)


def _relation_text(found: Relation | None) -> str:
    if found is None:
        return "too few to relate"
    bounds = "" if found.interval is None else f" [{found.interval[0]:.2f}, {found.interval[1]:.2f}]"
    return f"rank correlation with size {found.correlation:.2f}{bounds}"


def _in_words(one: Strategy) -> str:
    shares = ", ".join(f"{one.medians[name]:.0%} {name.removesuffix('_share')}" for name in PLACES)
    return f"{one.count} predictions; {shares}; ratio {one.medians['perturbation_ratio']:.2f}"


def _example(row: dict[str, Any], data: Dataset | None) -> Example | None:
    """None where the picture is not there any more, or is a volume."""
    try:
        image = audited_picture(row, data)
    except InputError:
        return None
    size = tuple(row["size"])
    return Example(image, decode(row["prediction_rle"], size), decode(row["minimal_region_rle"], size), row["image"])
