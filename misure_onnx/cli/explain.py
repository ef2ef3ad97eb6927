"""`misure explain MODEL IMAGE`."""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from misure_onnx.cli.asked import (
    add_target_arguments,
    check_target_arguments,
    cropped,
    requested_input,
    requested_targets,
)
from misure_onnx.cli.confined import add_untrusted_arguments
from misure_onnx.cli.measuring import add_metric_arguments, chosen_metrics, metrics_table
from misure_onnx.cli.output import ProgressBars, table, write_json, write_line, write_notes
from misure_onnx.cli.remote import MODEL_HELP, add_remote_arguments, requested_remote
from misure_onnx.cli.seed import add_seed_argument, check_seed
from misure_onnx.cli.side_by_side import save_side_by_side
from misure_onnx.errors import ParameterError

if TYPE_CHECKING:  # these import numpy and more
    from misure_onnx.explanation import Explanation
    from misure_onnx.methods.base import Method
    from misure_onnx.metrics.base import Metric
    from misure_onnx.records import YardstickRecord
    from misure_onnx.segmenter import LoadedInput, Segmenter
    from misure_onnx.target import ResolvedTarget, Target

HELP = "explain one object or class that a model found in an image"


def configure(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument("model", metavar="MODEL", help=MODEL_HELP)
    parser.add_argument(
        "image",
        metavar="IMAGE",
        help="PNG, JPEG, BMP, WebP, TIFF, GeoTIFF or DICOM; of a volume NIfTI or the folder of a DICOM series, one or "
        "one a channel (A.nii,B.nii)",
    )
    add_target_arguments(parser)
    add_method_arguments(parser)
    add_metric_arguments(parser)
    add_model_arguments(parser)
    parser.add_argument(
        "--window",
        type=float,
        metavar="OVERLAP",
        help="slide the model over an image or volume larger than itself, e.g. 0.5, instead of resizing it",
    )
    add_untrusted_arguments(parser)
    add_output_arguments(parser)


def add_method_arguments(parser: argparse.ArgumentParser) -> None:
    """How to explain it."""
    group = parser.add_argument_group("method")
    group.add_argument(
        "--method", "--methods", default="misure", metavar="NAME[,NAME…]", help="see `misure methods` (default: misure)"
    )
    group.add_argument("--preset", metavar="NAME", help="for misure: smooth (the default), minimal, robust or paper")
    group.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="a parameter, e.g. tau=0.95")
    group.add_argument(
        "--route",
        metavar="NAME",
        help="where gradients come from: auto, gradient, onnx_gradient or torch; misure's minimal region also from "
        "finite_difference or search, which need forwards only (auto: a gradient where there is one, else search)",
    )
    group.add_argument(
        "--budget", type=int, metavar="FORWARDS", help="forwards that search and finite_difference may spend (2000)"
    )
    group.add_argument(
        "--alternatives", type=int, metavar="K", help="also find K other minimal regions, and how much they overlap"
    )
    add_seed_argument(group, "every random choice")
    group.add_argument(
        "--scoring",
        choices=("auto", "plain", "fused"),
        default="auto",
        help="score masks outside the graph (plain) or inside it; auto: fused on CUDA; never changes the result",
    )
    group.add_argument("--batch-size", type=int, metavar="N", help="images a call; never changes the result")


def add_model_arguments(parser: argparse.ArgumentParser) -> None:
    """How the model is run."""
    group = parser.add_argument_group("model")
    group.add_argument(
        "--preprocess", metavar="PRESET|FILE", help="imagenet, unit, minus1_1, raw, caffe, or a YAML file"
    )
    group.add_argument(
        "--provider",
        default="auto",
        metavar="NAME",
        help="auto, cpu, cuda, cuda-tf32, …, openvino, openvino-bf16 (default: auto)",
    )
    add_remote_arguments(parser)


def add_output_arguments(parser: argparse.ArgumentParser) -> None:
    """Where the result goes."""
    group = parser.add_argument_group("output")
    group.add_argument("--out", type=Path, metavar="DIR", help="write figure, maps, regions and explanation.json here")
    group.add_argument("--json", action="store_true", help="one JSON document on stdout and nothing else")


def run(arguments: argparse.Namespace) -> int:
    """Explains and reports."""
    from misure_onnx.api import load_segmenter, make_methods  # noqa: PLC0415 - `--help` must start fast

    check_arguments(arguments)
    check_target_arguments(arguments)
    methods = make_methods(arguments.method.split(","), arguments.preset, method_settings(arguments))
    metrics = chosen_metrics(arguments)
    image = requested_input(arguments.image)
    segmenter = load_segmenter(
        arguments.model,
        arguments.preprocess,
        provider=arguments.provider,
        window=arguments.window,
        remote=requested_remote(arguments),
    )
    if arguments.crop is not None:
        image = cropped(image, arguments.crop, segmenter)
    targets = requested_targets(arguments, segmenter, image)
    explanations = explain_all(methods, segmenter, image, targets, arguments, metrics=metrics)
    report(explanations, arguments, single=len(methods) == 1 and len(targets) == 1)
    return 0


def check_arguments(arguments: argparse.Namespace) -> None:
    """Refuses what can be refused before anything is loaded or computed."""
    from misure_onnx.files import check_directory  # noqa: PLC0415 - `--help` must start fast

    if arguments.batch_size is not None and arguments.batch_size < 1:
        raise ParameterError(f"--batch-size must be at least 1, got {arguments.batch_size}")
    check_seed(arguments)
    if arguments.out is not None:
        check_directory(arguments.out)


def method_settings(arguments: argparse.Namespace) -> dict[str, str]:
    """The parameters given as NAME=VALUE and by their own options."""
    settings = {}
    for entry in arguments.set:
        name, separator, value = entry.partition("=")
        if not separator:
            raise ParameterError(f"--set expects NAME=VALUE, got {entry!r}")
        settings[name] = value
    for option in ("route", "budget", "alternatives"):
        if getattr(arguments, option) is not None:
            settings[option] = str(getattr(arguments, option))
    return settings


def explain_all(
    methods: Sequence["Method"],
    segmenter: "Segmenter",
    image: "LoadedInput",
    targets: Sequence["Target | ResolvedTarget"],
    arguments: argparse.Namespace,
    *,
    metrics: "Mapping[str, Metric]",
) -> list["Explanation"]:
    """One explanation a target and method, targets outermost."""
    from misure_onnx.methods import explain_all as several  # noqa: PLC0415 - `--help` must start fast

    with ProgressBars() as progress:
        return list(
            several.explain_all(
                methods,
                segmenter,
                image,
                targets,
                seed=arguments.seed,
                batch_size=arguments.batch_size,
                progress=progress,
                scoring=arguments.scoring,
                metrics=metrics,
                truth=arguments.truth,
            )
        )


def report(explanations: Sequence["Explanation"], arguments: argparse.Namespace, *, single: bool) -> None:
    """Writes files and prints the table or the JSON."""
    places = [_place(arguments.out, explanations, number, single=single) for number in range(len(explanations))]
    for explanation, place in zip(explanations, places, strict=True):
        if place is not None:
            explanation.save(place)
    compared = _save_side_by_side(explanations, places)
    if arguments.json:
        documents = [explanation.to_json() for explanation in explanations]
        write_json(documents[0] if single else documents)
        return
    write_notes(dict.fromkeys(note for explanation in explanations for note in explanation.provenance.notes))
    write_line(_summary(explanations))
    for place in places:
        if place is not None:
            write_line(f"figure: {place / 'figure.png'}")
    for figure in compared:
        write_line(f"all methods: {figure}")
    if arguments.out is None:
        write_line("nothing was written; --out DIR writes figure, maps, regions and explanation.json")


def _place(out: Path | None, explanations: Sequence["Explanation"], number: int, *, single: bool) -> Path | None:
    if out is None or single:
        return out
    names = [explanation.method.name for explanation in explanations]
    methods = len(dict.fromkeys(names))
    place = out if len(names) == methods else out / f"object-{number // methods + 1}"
    return place / names[number] if methods > 1 else place


def _save_side_by_side(explanations: Sequence["Explanation"], places: Sequence[Path | None]) -> list[Path]:
    """One figure a target, beside the methods' directories; none for a single method or without a place."""
    together: dict[Path, list[Explanation]] = {}
    for explanation, place in zip(explanations, places, strict=True):
        if place is not None:
            together.setdefault(place.parent, []).append(explanation)
    methods = len({explanation.method.name for explanation in explanations})
    return [save_side_by_side(mine, parent) for parent, mine in together.items()] if methods > 1 else []


def _summary(explanations: Sequence["Explanation"]) -> str:
    header = ["", "Dice explained", "perturbation ratio", "dilations", "forwards", "backwards", "seconds", "sampling"]
    blocks = []
    for target in dict.fromkeys(explanation.target for explanation in explanations):
        rows = [header]
        mine = [explanation for explanation in explanations if explanation.target == target]
        for explanation in mine:
            rows += _rows(explanation)
        what = {"class": "", "instance": " (one object)", "region": " (a part of it)"}[target.kind]
        blocks.append(f"{target.label}{what}: {target.pixels:,} pixels\n\n{table(rows)}\n{metrics_table(mine)}")
        blocks += [_channel_table(explanation) for explanation in mine if explanation.channels]
    return "\n".join(blocks)


def _channel_table(explanation: "Explanation") -> str:
    """A line an input channel: how much of all maps it has, where that lies, and its peaks."""
    numbers = explanation.channels
    if numbers is None:
        return ""
    header = ["channel", "share", "inside", f"within {numbers.ring_px} px", "outside", "peak +", "peak -"]
    rows = [
        [str(k), *(f"{share:.0%}" for share in (one.share, one.inside, one.ring, one.outside)),
         f"{one.peak_positive:.3g}", f"{one.peak_negative:.3g}"]
        for k, one in enumerate(numbers.channels)
    ]  # fmt: skip
    return f"{explanation.method.name}, {numbers.units}\n\n{table([header, *rows])}\n"


def _rows(explanation: "Explanation") -> list[list[str]]:
    metrics, cost, stage_1 = explanation.metrics, explanation.cost, explanation.metrics.sufficient_region
    preset = f" ({explanation.method.preset})" if explanation.method.preset else ""
    status = explanation.provenance.status
    first = [
        explanation.method.name + preset + ("" if status == "ok" else f" [{status}]"),
        f"{metrics.dice_explained:.3f}",
        f"{metrics.perturbation_ratio:.3f}",
        str(stage_1.dilations) if stage_1 else "-",
        str(cost.forwards),
        str(cost.backwards),
        f"{cost.seconds:.2f}",
        _sampling(explanation),
    ]
    others = {
        "  predicted mask": metrics.predicted_mask,
        "  random pixels": metrics.random_mask,
        **_alternatives(explanation),
    }
    return [first] + [
        [name, f"{other.dice_explained:.3f}", f"{other.perturbation_ratio:.3f}", *[""] * (len(first) - 3)]
        for name, other in others.items()
    ]


def _sampling(explanation: "Explanation") -> str:
    """How far a sampled map has converged: agreement of its halves (r), or standard error (+-)."""
    error = explanation.metrics.sampling_error
    if error is None:
        return "-"
    return f"r={error.value:.2f}" if error.name == "split_half_correlation" else f"+-{error.value:.2f}"


def _alternatives(explanation: "Explanation") -> "dict[str, YardstickRecord]":
    """Each further minimal region, by its number and what it shares with the first."""
    found = explanation.alternatives
    if found is None:
        return {}
    return {
        f"  alternative {number} ({found.overlap[0][number]:.0%} in common)": region
        for number, region in enumerate(found.regions, start=1)
    }
