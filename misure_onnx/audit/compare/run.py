"""Two audits, their pairs, and what is written about them."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from misure_onnx.audit.arrow import arrow, parquet
from misure_onnx.audit.asking import load_sample
from misure_onnx.audit.columns import Row
from misure_onnx.audit.compare.pairs import Pair, pairs
from misure_onnx.audit.compare.statistics import Gate, Summary, gate, summaries
from misure_onnx.audit.datasets import Dataset
from misure_onnx.audit.rle import decode
from misure_onnx.audit.run import Engine, run_audit
from misure_onnx.audit.sample import Sample
from misure_onnx.audit.settings import AuditSettings
from misure_onnx.audit.table import read_rows
from misure_onnx.errors import InputError
from misure_onnx.files import encode_json, write_whole
from misure_onnx.methods.progress import Progress, silent
from misure_onnx.rendering.pairs_figure import PairRow, draw_pairs
from misure_onnx.types import Region

SCHEMA = "misure-onnx/comparison/1"
PAIRS, RECORD, FIGURE = "pairs.parquet", "comparison.json", "worst.png"
SIDES = ("a", "b")


@dataclass(frozen=True)
class Comparison:
    """What a comparison found.

    Attributes:
        found: every pair.
        statistics: method -> "all" or a class -> measure -> summary.
        worst: the pairs whose regions have least in common, worst first.
        gate: the condition that was asked for, if any.
        record: what `comparison.json` holds.
    """

    found: tuple[Pair, ...]
    statistics: dict[str, dict[str, dict[str, Summary]]]
    worst: tuple[Pair, ...]
    gate: Gate | None
    record: dict[str, Any]


def compare_models(
    dataset: Dataset,
    a: AuditSettings,
    b: AuditSettings,
    out: Path,
    *,
    engine: Engine | None = None,
    progress: Progress = silent,
    shown: int = 6,
    bound: tuple[str, float] | None = None,
) -> Comparison:
    """Audits both models, or what is left of it, and compares their explanations.

    Args:
        dataset: the images.
        a: the question to one model; maps are kept as float.
        b: the same to the other.
        out: gets an audit's folder a model (`a`, `b`), the pairs, the statistics, and a figure of the worst.
        engine: as for `run_audit`.
        progress: as for `run_audit`.
        shown: how many of the worst pairs the figure shows.
        bound: a measure and what its median must reach.

    Raises:
        MisureError: as `run_audit`.
        InputError: nothing could be compared.
    """
    for side, settings in zip(SIDES, (a, b), strict=True):
        asked = dataclasses.replace(settings, maps="float")
        run_audit(dataset, asked, out / side, engine=engine, progress=_named(progress, side))
    found = tuple(pairs(*(out / side for side in SIDES)))
    if not any(pair.region_iou is not None for pair in found):
        raise InputError(f"nothing could be compared: {_reason(found)}")
    statistics = summaries(found, a.seed)
    ranked = sorted((pair for pair in found if pair.region_iou is not None), key=lambda pair: pair.region_iou or 0.0)
    judged = gate(found, statistics, *bound) if bound else None
    worst = tuple(ranked[:shown])
    document = _record((a.model, b.model), found, statistics, worst, judged)
    _write_pairs(found, out / PAIRS)
    write_whole(out / RECORD, encode_json(document))
    write_whole(out / FIGURE, _figure(dataset, worst, out, a.crop))
    return Comparison(found, statistics, worst, judged, document)


def _named(progress: Progress, side: str) -> Progress:
    return lambda stage, done, total: progress(f"model {side}: {stage}", done, total)


def _reason(found: Sequence[Pair]) -> str:
    return next((pair.error for pair in found if pair.error), "neither model predicts a class in any image")


def _record(
    models: tuple[str, str],
    found: Sequence[Pair],
    statistics: dict[str, dict[str, dict[str, Summary]]],
    worst: Sequence[Pair],
    judged: Gate | None,
) -> dict[str, Any]:
    counts = {
        finder: sum(pair.found_by == finder for pair in found) for finder in ("both", "a", "b", "neither", "failed")
    }
    return {
        "schema": SCHEMA,
        "models": dict(zip(SIDES, models, strict=True)),
        "pairs": {"total": len(found), "found_by": counts},
        "statistics": {
            method: {label: {name: dataclasses.asdict(one) for name, one in of.items()} for label, of in labels.items()}
            for method, labels in statistics.items()
        },
        "worst": [dataclasses.asdict(pair) for pair in worst],
        "gate": None if judged is None else {**dataclasses.asdict(judged), "met": judged.met},
    }


def _write_pairs(found: Sequence[Pair], place: Path) -> None:
    pa = arrow()
    kinds = {"str": pa.string(), "float": pa.float64()}
    fields = dataclasses.fields(Pair)
    schema = pa.schema(
        [pa.field(f.name, kinds["float" if "float" in str(f.type) else "str"]) for f in fields],
        metadata={"schema": SCHEMA},
    )
    sink = pa.BufferOutputStream()
    rows = [dataclasses.asdict(pair) for pair in found]
    parquet().write_table(pa.Table.from_pylist(rows, schema=schema), sink, compression="zstd")
    write_whole(place, sink.getvalue().to_pybytes())


def _figure(dataset: Dataset, worst: Sequence[Pair], out: Path, crop: tuple[int, ...] | None) -> bytes:
    rows = [_rows_of(out / side, worst) for side in SIDES]
    samples = {sample.name: sample for sample in dataset.samples}
    drawn = [_pair_row(samples[pair.image], pair, [by.get(_mark(pair)) for by in rows], crop) for pair in worst]
    return draw_pairs(drawn, ("A", "B"))


def _mark(pair: Pair) -> tuple[str, str, str]:
    return pair.image, pair.label, pair.method


def _rows_of(place: Path, wanted: Sequence[Pair]) -> dict[tuple[str, str, str], Row]:
    marks = {_mark(pair) for pair in wanted}
    found = {}
    for row in read_rows(place):
        for label in (row["class_name"], f"class {row['class_index']}"):
            mark = (row["image"], label, row["method"])
            if mark in marks and row["minimal_region_rle"] is not None:
                found[mark] = row
    return found


def _pair_row(sample: Sample, pair: Pair, rows: Sequence[Row | None], crop: tuple[int, ...] | None) -> PairRow:
    one, two = rows
    correlation = "-" if pair.map_correlation is None else f"{pair.map_correlation:.2f}"
    return PairRow(
        image=_picture(sample, crop, next(row for row in rows if row is not None)),
        predictions=(_mask(one, "prediction_rle"), _mask(two, "prediction_rle")),
        regions=(_mask(one, "minimal_region_rle"), _mask(two, "minimal_region_rle")),
        name=f"{pair.image}\n{pair.label}, {pair.method}",
        numbers=f"regions {pair.region_iou:.2f}, maps {correlation}\npredictions {pair.prediction_dice:.2f}",
    )


def _picture(sample: Sample, crop: tuple[int, ...] | None, row: Row) -> Any:
    return load_sample(sample, crop, tuple(row["size"])).rgb


def _mask(row: Row | None, name: str) -> Region | None:
    return None if row is None else decode(row[name], tuple(row["size"]))
