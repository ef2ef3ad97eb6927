"""`misure compress MODEL IMAGE`."""

import argparse
from typing import TYPE_CHECKING

from misure_onnx.cli.asked import add_target_arguments, check_target_arguments, requested_input, requested_targets
from misure_onnx.cli.confined import add_untrusted_arguments
from misure_onnx.cli.explain import (
    add_method_arguments,
    add_model_arguments,
    add_output_arguments,
    check_arguments,
    explain_all,
    method_settings,
)
from misure_onnx.cli.output import table, write_json, write_line
from misure_onnx.cli.remote import MODEL_HELP, requested_remote
from misure_onnx.errors import ParameterError

if TYPE_CHECKING:  # these import numpy and more
    from misure_onnx.compression import Compression

HELP = "the smallest picture in which a model still finds an object: what it needs sharp, the rest coarse"

_SCHEMES = {"exemplar": "sharper where it counts", "jpeg": "plain JPEG", "uniform": "coarse everywhere"}


def configure(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument("model", metavar="MODEL", help=MODEL_HELP)
    parser.add_argument("image", metavar="IMAGE", help="an 8-bit picture, grey or RGB")
    parser.add_argument(
        "--keep", choices=("minimal", "sufficient"), default="minimal", help="which region stays sharp (minimal)"
    )
    parser.add_argument("--tau", type=float, default=0.9, help="Dice that must be exceeded (0.9)")
    add_target_arguments(parser)
    add_method_arguments(parser)
    add_model_arguments(parser)
    add_untrusted_arguments(parser)
    add_output_arguments(parser)
    parser.set_defaults(truth=None)


def run(arguments: argparse.Namespace) -> int:
    """Explains, compresses and reports."""
    from misure_onnx.api import load_segmenter, make_methods  # noqa: PLC0415 - `--help` must start fast
    from misure_onnx.compression import compress  # noqa: PLC0415
    from misure_onnx.files import encode_json, write_all  # noqa: PLC0415

    check_arguments(arguments)
    check_target_arguments(arguments)
    methods = make_methods(arguments.method.split(","), arguments.preset, method_settings(arguments))
    if len(methods) > 1 or arguments.every_object:
        raise ParameterError("one object and one method at a time: leave out --every-object and further methods")
    image = requested_input(arguments.image)
    segmenter = load_segmenter(
        arguments.model, arguments.preprocess, provider=arguments.provider, remote=requested_remote(arguments)
    )
    targets = requested_targets(arguments, segmenter, image)
    (explanation,) = explain_all(methods, segmenter, image, targets, arguments, metrics={})
    found = compress(explanation, segmenter, image, region=arguments.keep, tau=arguments.tau)  # type: ignore[arg-type]
    if arguments.out is not None:
        own = found.best["exemplar"]
        pictures = {} if own is None else {"compressed.jpg": own.content}
        obsolete = () if own else ("compressed.jpg",)
        write_all(arguments.out, {**pictures, "compression.json": encode_json(found.to_json())}, obsolete)
    if arguments.json:
        write_json(found.to_json())
        return 0
    write_line(f"{explanation.target.label}: the smallest file of each kind with a Dice above {arguments.tau:g}\n")
    write_line(_table_of(found))
    return 0


def _table_of(found: "Compression") -> str:
    rows = [["kind", "bytes", "Dice", "smaller by", "outside coarser by", "JPEG quality", "exemplar saves"]]
    saved = found.to_json()["bytes_saved"]
    for scheme, encoded in found.best.items():
        name, share = _SCHEMES[scheme], saved.get(scheme)
        if encoded is None:
            rows.append([name, "none passes", *[""] * 5])
            continue
        numbers = [
            f"{len(encoded.content):,}",
            f"{encoded.dice:.3f}",
            f"{encoded.factor}x",
            f"{encoded.outside_factor}x",
            str(encoded.quality),
        ]
        rows.append([name, *numbers, "" if share is None else f"{share:.0%}"])
    return table(rows)
