"""`misure reliability train|predict`."""

import argparse
import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from misure_onnx.cli.output import table, write_json, write_line, write_notes
from misure_onnx.cli.seed import add_seed_argument, check_seed

if TYPE_CHECKING:  # these import numpy and more
    from misure_onnx.reliability.trained import Trained
    from misure_onnx.reliability.validation import Score, Validation
    from misure_onnx.rendering.reliability_figure import ReliabilityRow

HELP = "learn from audits with ground truth which predictions to trust, and say so of new ones"

CLASSIFIERS, FIGURE = "reliability.json", "reliability.png"


def configure(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="train|predict")
    train = actions.add_parser("train", help="learn from audits with ground truth", description=HELP)
    train.add_argument("audits", nargs="+", type=Path, metavar="AUDIT", help="folder of misure audit, or its table")
    train.add_argument(
        "--threshold",
        type=float,
        default=0.9,
        metavar="DICE",
        help="from which on a prediction is right (default: 0.9)",
    )
    train.add_argument(
        "--features", default="paper", metavar="SET", help="paper (its three; the default), extended, confidence or all"
    )
    train.add_argument("--method", metavar="NAME", help="whose explanations, where the table holds several")
    train.add_argument(
        "--folds", type=int, default=5, metavar="N", help="of the cross-validation by group (default: 5)"
    )
    add_seed_argument(train, "folds and intervals")
    train.add_argument(
        "--out", type=Path, default=Path("misure-reliability"), metavar="DIR", help="default: misure-reliability"
    )
    predict = actions.add_parser("predict", help="say of predictions how likely they are right", description=HELP)
    predict.add_argument("audits", nargs="+", type=Path, metavar="AUDIT", help="folder of misure audit, or its table")
    predict.add_argument("--model", type=Path, required=True, metavar="FILE", help="reliability.json of train")
    predict.add_argument(
        "--accept", type=float, default=0.5, metavar="P", help="least probability of an accepted one (default: 0.5)"
    )
    predict.add_argument("--out", type=Path, metavar="FILE", help="write them as CSV")
    for action in (train, predict):
        action.add_argument("--json", action="store_true", help="one JSON document on stdout and nothing else")


def run(arguments: argparse.Namespace) -> int:
    """Trains or predicts."""
    return _train(arguments) if arguments.action == "train" else _predict(arguments)


def _rows(audits: Sequence[Path]) -> Iterator[dict[str, Any]]:
    from misure_onnx.audit.table import read_rows  # noqa: PLC0415 - `--help` must start fast
    from misure_onnx.reliability.examples import COLUMNS  # noqa: PLC0415

    for place in audits:
        yield from read_rows(place, COLUMNS)


def _train(arguments: argparse.Namespace) -> int:
    from misure_onnx.files import encode_json, write_all  # noqa: PLC0415 - `--help` must start fast
    from misure_onnx.reliability.trained import train  # noqa: PLC0415
    from misure_onnx.rendering.reliability_figure import draw_reliability  # noqa: PLC0415

    check_seed(arguments)
    trained = train(
        _rows(arguments.audits),
        threshold=arguments.threshold,
        features=arguments.features,
        method=arguments.method,
        folds=arguments.folds,
        seed=arguments.seed,
    )
    figure = draw_reliability([_drawn(label, one) for label, one in trained.validations.items()])
    write_all(arguments.out, {FIGURE: figure, CLASSIFIERS: encode_json(trained.record)})
    if arguments.json:
        write_json(trained.record)
        return 0
    write_notes(f"{label} has no classifier: {reason}" for label, reason in trained.left_out.items())
    write_line(_summary(trained))
    for name in (CLASSIFIERS, FIGURE):
        write_line(f"written: {arguments.out / name}")
    return 0


def _summary(trained: "Trained") -> str:
    header = ["", "n", "groups", "base rate", "accuracy", "(majority)", "calibration error",
              "AUC classifier", "AUC max probability", "AUC entropy"]  # fmt: skip
    rows = [header] + [
        [
            label,
            str(one.count),
            str(one.groups),
            f"{one.base_rate:.2f}",
            f"{one.accuracy:.2f}",
            f"{one.majority_accuracy:.2f}",
            f"{one.calibration_error:.2f}",
            *(_auc(one, name) for name in ("classifier", "max_probability", "entropy")),
        ]
        for label, one in trained.validations.items()
    ]
    right = f"right = Dice with the truth from {trained.threshold} on"
    how = f"features: {trained.features}, of {trained.method}; on groups that were not trained on"
    return f"{right}; {how}\n\n{table(rows)}\n"


def _auc(one: "Validation", name: str) -> str:
    score = next((score for score in one.scores if score.name == name), None)
    return "-" if score is None else f"{score.auc:.2f}{_bounds(score)}"


def _bounds(score: "Score") -> str:
    return "" if score.auc_interval is None else f" [{score.auc_interval[0]:.2f}, {score.auc_interval[1]:.2f}]"


def _drawn(label: str, one: "Validation") -> "ReliabilityRow":
    from misure_onnx.rendering.reliability_figure import ReliabilityRow  # noqa: PLC0415 - `--help` must start fast

    return ReliabilityRow(
        title=f"{label}: {one.count} predictions, {one.base_rate:.0%} right",
        base_rate=one.base_rate,
        curves={
            score.name: (
                f"{score.name.replace('_', ' ')}: {score.auc:.2f}{_bounds(score)}",
                score.roc,
                score.risk_coverage,
            )
            for score in one.scores
        },
        calibration=[(part.count, part.predicted, part.observed) for part in one.calibration],
    )


def _predict(arguments: argparse.Namespace) -> int:
    from misure_onnx.files import write_whole  # noqa: PLC0415 - `--help` must start fast
    from misure_onnx.reliability.trained import load_trained, predict  # noqa: PLC0415

    trained = load_trained(arguments.model)
    found = predict(_rows(arguments.audits), trained, arguments.accept)
    rows = [
        {"image": one.image, "class": one.label, "object": one.object, "probability": one.probability,
         "accepted": one.accepted}
        for one in found
    ]  # fmt: skip
    if arguments.out is not None:
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, ["image", "class", "object", "probability", "accepted"])
        writer.writeheader()
        writer.writerows(rows)
        write_whole(arguments.out, text.getvalue().encode())
    if arguments.json:
        write_json(rows)
        return 0
    shown = [["", "class", "object", "P(right)", ""]] + [
        [one.image, one.label, str(one.object), "-" if one.probability is None else f"{one.probability:.3f}",
         "accepted" if one.accepted else "rejected"]
        for one in found
    ]  # fmt: skip
    write_line(f"right = Dice with the truth from {trained.threshold} on; accepted from P = {arguments.accept} on\n")
    write_line(table(shown))
    return 0
