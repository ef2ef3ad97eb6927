"""Tables about methods: the list of all, one's parameters and presets, what one costs."""

import dataclasses
import json
from pathlib import Path
from typing import Any

from docs.building.attributes import meanings
from docs.building.markdown import table
from misure_onnx.cli.methods import describe
from misure_onnx.methods import METHODS

_RESULTS = Path(__file__).resolve().parents[2] / "benchmarks/results"
_PARTS = (("quick", "summary"), ("slow (DeepLab at 513x513)", "summary_of_slow_triples"))


def method_list(folder: str = "") -> str:
    """Every method with a link to its page; `folder` is where the pages lie, seen from the table's."""
    place = f"{folder}/" if folder else ""
    described = [describe(method) for method in METHODS.values()]
    return table(
        ("method", "what it does", "needs"),
        [(f"[`{one['name']}`]({place}{one['name']}.md)", one["summary"], one["needs"]) for one in described],
    )


def parameters(name: str) -> str:
    """A method's parameters with their defaults, and its presets, as a table each."""
    method = METHODS[name]
    if not dataclasses.fields(method):  # type: ignore[arg-type]
        return "None.\n"
    said = meanings(method)
    defaults = describe(method)["parameters"]
    rows = [(f"`{field}`", f"`{_shown(value)}`", said[field]) for field, value in defaults.items()]
    written = table(("parameter", "default", "meaning"), rows)
    return written + (f"\n{_presets(name)}" if method.PRESETS else "")


def _presets(name: str) -> str:
    """What every preset sets; a parameter that no preset names is absent."""
    presets = METHODS[name].PRESETS
    named = list(dict.fromkeys(field for values in presets.values() for field in values))
    header = ("parameter", *(f"preset `{preset}`" for preset in presets))
    return table(header, [(f"`{field}`", *(_set_to(values, field) for values in presets.values())) for field in named])


def _set_to(values: Any, field: str) -> str:
    return f"`{_shown(values[field])}`" if field in values else "as given"


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "(empty)" if value == "" else str(value)


def cost(name: str) -> str:
    """Forwards, backwards and seconds of the benchmark of all methods: medians."""
    rows = [
        (label, f"{found['triples']}", _whole(found["forwards"]), _whole(found["backwards"]), _whole(found["seconds"]))
        for label, found in _medians(name)
    ]
    return table(("models", "triples", "forwards", "backwards", "seconds"), rows)


def measured(name: str) -> str:
    """How faithful the map and region are on real pictures, and what was found where the evidence is known."""
    columns = ("dice", "ratio", "insertion", "deletion", "restoring_area")
    rows = [(label, *(f"{found[column]:.2f}" for column in columns)) for label, found in _medians(name)]
    header = ("models", "Dice of the region", "its area / object", "insertion ↑", "deletion ↓", "restoring area ↓")
    return f"{table(header, rows)}\n{_known_evidence(name)}"


def _medians(name: str) -> list[tuple[str, dict[str, Any]]]:
    document = json.loads((_RESULTS / "methods.json").read_text(encoding="utf-8"))
    return [(label, document[key][name]) for label, key in _PARTS if name in document[key]]


def _known_evidence(name: str) -> str:
    """Rows of the benchmark on scenes that need exactly three objects; MiSuRe has one a preset."""
    summary = json.loads((_RESULTS / "triangle_regions.json").read_text(encoding="utf-8"))["summary"]
    scenes = summary["fair"]
    rows = [
        (
            f"`{kind}`",
            *(
                f"{found[share] * scenes:.0f} of {scenes}"
                for share in ("touches_all_three", "touches_exactly_the_three")
            ),
            f"{found['mean_share_of_object_pixels_on_distractors']:.1%}",
            f"{found['median_ratio']:.2f}",
        )
        for kind, found in summary["methods"].items()
        if kind.split()[0] == name
    ]
    header = (
        "known evidence",
        "touches all three",
        "touches exactly the three",
        "pixels on distractors",
        "area / object",
    )
    return table(header, rows)


def _whole(value: float) -> str:
    return f"{value:.0f}"
