"""`misure audit DATASET --model MODEL`."""

import argparse
import contextlib
import statistics
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from misure_onnx.cli.explain import add_method_arguments, add_model_arguments, method_settings
from misure_onnx.cli.interrupted import Interrupted
from misure_onnx.cli.output import ProgressBars, table, write_json, write_line, write_notes
from misure_onnx.cli.remote import MODEL_HELP, requested_remote
from misure_onnx.cli.report import tell
from misure_onnx.errors import ParameterError

if TYPE_CHECKING:  # these import numpy and more
    from misure_onnx.audit.datasets import Dataset
    from misure_onnx.audit.run import Engine
    from misure_onnx.audit.settings import AuditSettings
    from misure_onnx.backends.open_inference import RemoteOptions

HELP = "explain every image of a data set and write one table; resumes where it stopped"


def configure(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    add_dataset_arguments(parser)
    parser.add_argument("--model", required=True, metavar="MODEL", help=MODEL_HELP)
    add_question_arguments(parser)
    parser.add_argument("--out", type=Path, default=Path("misure-audit"), metavar="DIR", help="default: misure-audit")
    parser.add_argument("--maps", choices=("png", "float", "none"), default="png", help="how saliency maps are kept")
    parser.add_argument("--coco", action="store_true", help="also write masks in COCO's results format")
    parser.add_argument("--no-report", action="store_true", help="leave out report.html, report.json and the manifest")
    add_engine_arguments(parser)
    parser.add_argument("--json", action="store_true", help="print audit.json on stdout and nothing else")


def add_dataset_arguments(parser: argparse.ArgumentParser) -> None:
    """Which images."""
    parser.add_argument(
        "dataset", metavar="DATASET", help="a folder of images (with masks or without), of NIfTI files, a COCO file, "
        "or a CSV or Parquet table with a column 'image'"
    )  # fmt: skip
    parser.add_argument(
        "--format", metavar="NAME", help="images, masks, coco, manifest or nifti, if not what it looks like"
    )
    parser.add_argument("--images", type=Path, metavar="DIR", help="where the images of a COCO file or table lie")


def add_question_arguments(parser: argparse.ArgumentParser, *, objects: bool = True) -> None:
    """What is asked about each; objects of two models have no numbers in common, so that they can be left out."""
    group = parser.add_argument_group("what is explained (default: every predicted class but the background)")
    group.add_argument("--class", dest="classes", metavar="ID|NAME[,…]", help="these classes, predicted or not")
    group.add_argument(
        "--min-pixels", type=int, default=16, metavar="N", help="smaller ones are left out (default: 16)"
    )
    group.add_argument("--crop", metavar="X,Y,Z", help="of volumes the part, as large as the model takes, from here")
    if objects:
        group.add_argument("--objects", action="store_true", help="every connected object for itself")
        group.add_argument("--max-objects", type=int, metavar="N", help="of an image at most so many, largest first")
    else:
        parser.set_defaults(objects=False, max_objects=None)
    add_method_arguments(parser)
    group = parser.add_argument_group("audit")
    group.add_argument(
        "--image-budget", type=int, metavar="FORWARDS", help="that an image may cost a method; the rest is left out"
    )
    group.add_argument("--metrics", metavar="NAME[,NAME…]", help="further ones to measure, see `misure metrics`")
    group.add_argument("--retry-failed", action="store_true", help="try images again that failed in an earlier run")
    add_model_arguments(parser)
    parser.add_argument("--window", type=float, metavar="OVERLAP", help="slide the model over larger images, e.g. 0.5")


def add_engine_arguments(parser: argparse.ArgumentParser) -> None:
    """Where it runs."""
    group = parser.add_argument_group("engine")
    group.add_argument(
        "--engine",
        default="local",
        metavar="NAME",
        help="local (processes; the default), ray, or inline (this process)",
    )
    group.add_argument("--workers", type=int, metavar="N", help="default: one a processor; with a GPU one")
    group.add_argument("--threads", type=int, metavar="N", help="a worker (default: the processors shared out)")
    group.add_argument("--gpus", type=float, default=0.0, metavar="SHARE", help="ray: GPUs a worker, e.g. 0.5")
    group.add_argument(
        "--ray-address", metavar="HOST:PORT", help="a running Ray; else RAY_ADDRESS, else one is started"
    )


def run(arguments: argparse.Namespace) -> int:
    """Audits and reports."""
    from misure_onnx.audit.coco_results import export_coco  # noqa: PLC0415 - `--help` must start fast
    from misure_onnx.audit.run import run_audit  # noqa: PLC0415
    from misure_onnx.report.templates import jinja2  # noqa: PLC0415
    from misure_onnx.report.write import write_report  # noqa: PLC0415

    if not arguments.no_report:
        jinja2()  # better known now than after hours
    settings = requested_settings(arguments, arguments.model, arguments.maps, requested_remote(arguments))
    engine = requested_engine(arguments)
    dataset = requested_dataset(arguments)
    with resumable() as progress:
        result = run_audit(dataset, settings, arguments.out, engine=engine, progress=progress)
    exported = export_coco(arguments.out) if arguments.coco else []
    written = None if arguments.no_report else write_report(arguments.out)
    if arguments.json:
        write_json(result.record)
        return 0
    write_notes(result.record["model"]["notes"])
    write_line(summary(arguments.out, result.record))
    for place in (result.table, arguments.out / "audit.json", *exported):
        write_line(f"written: {place}")
    if written is not None:
        tell(written)
    return 0


@contextlib.contextmanager
def resumable() -> Iterator[ProgressBars]:
    """Progress on stderr, nothing from elsewhere on stdout (Ray prints what happens to its workers).

    Raises:
        Interrupted: Ctrl-C, with a sentence that is true of audits.
    """
    try:
        with contextlib.redirect_stdout(sys.stderr), ProgressBars() as progress:
            yield progress
    except KeyboardInterrupt as error:
        raise Interrupted("interrupted; the same command goes on where it stopped") from error


def requested_dataset(arguments: argparse.Namespace) -> "Dataset":
    """The images that were named."""
    from misure_onnx.audit.datasets import load_dataset  # noqa: PLC0415 - `--help` must start fast

    return load_dataset(arguments.dataset, arguments.format, arguments.images)


def requested_settings(
    arguments: argparse.Namespace, model: str, maps: Any, remote: "RemoteOptions | None"
) -> "AuditSettings":
    """The question, about one model."""
    from misure_onnx.api import make_methods, make_metrics  # noqa: PLC0415 - `--help` must start fast
    from misure_onnx.audit.settings import AuditSettings  # noqa: PLC0415
    from misure_onnx.preprocessing import load_preprocessing  # noqa: PLC0415

    declared = load_preprocessing(arguments.preprocess).to_mapping() if arguments.preprocess is not None else None
    return AuditSettings(
        model=str(Path(model).resolve()) if "://" not in model else model,
        methods=tuple(make_methods(arguments.method.split(","), arguments.preset, method_settings(arguments))),
        preprocess=declared,
        provider=arguments.provider,
        window=arguments.window,
        remote=remote,
        classes=tuple(arguments.classes.split(",")) if arguments.classes is not None else None,
        objects=arguments.objects,
        min_pixels=arguments.min_pixels,
        max_objects=arguments.max_objects,
        image_budget=arguments.image_budget,
        crop=_origin(arguments.crop),
        metrics=make_metrics(arguments.metrics) if arguments.metrics is not None else {},
        seed=arguments.seed,
        maps=maps,
        scoring=arguments.scoring,
        batch_size=arguments.batch_size,
        retry_failed=arguments.retry_failed,
    )


def requested_engine(arguments: argparse.Namespace) -> "Engine":
    """Where it runs."""
    from misure_onnx.audit.run import Engine  # noqa: PLC0415 - `--help` must start fast

    return Engine(arguments.engine, arguments.workers, arguments.threads, arguments.gpus, arguments.ray_address)


def _origin(text: str | None) -> tuple[int, ...] | None:
    if text is None:
        return None
    parts = text.split(",")
    if len(parts) != 3 or not all(part.strip().isdecimal() for part in parts):
        raise ParameterError(f"--crop expects X,Y,Z in voxels of the file, e.g. 96,58,78; got {text!r}")
    return tuple(int(part) for part in parts)


def summary(out: Path, record: dict[str, Any]) -> str:
    """A line a class and method: how many, and medians."""
    from misure_onnx.audit.columns import label_of  # noqa: PLC0415 - `--help` must start fast
    from misure_onnx.audit.table import read_rows  # noqa: PLC0415

    columns = ("class_index", "class_name", "method", "dice_explained", "perturbation_ratio", "passed", "seconds")
    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in read_rows(out, columns):
        if row["dice_explained"] is not None:
            groups.setdefault((label_of(row), row["method"]), []).append(row)
    header = ["", "method", "explained", "median Dice explained", "median ratio", "passed", "median seconds"]
    lines = [header] + [
        [
            label,
            method,
            str(len(rows)),
            *(
                f"{statistics.median(row[name] for row in rows):.3f}"
                for name in ("dice_explained", "perturbation_ratio")
            ),
            _passed(rows),
            f"{statistics.median(row['seconds'] for row in rows):.2f}",
        ]
        for (label, method), rows in sorted(groups.items())
    ]
    shards, rows = record["run"]["shards"], record["results"]
    counts = ", ".join(f"{count} {status}" for status, count in rows["by_status"].items())
    head = (
        f"{record['data']['images']} images, {rows['rows']} rows ({counts}); {shards['computed']} of {shards['total']} "
        "shards computed, the others were there\n"
    )
    return f"{head}\n{table(lines)}\n" if groups else head


def _passed(rows: list[dict[str, Any]]) -> str:
    judged = [row["passed"] for row in rows if row["passed"] is not None]
    return f"{sum(judged)}/{len(judged)}" if judged else "-"
