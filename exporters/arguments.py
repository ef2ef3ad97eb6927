"""The command line of a family, and the request that it makes."""

import argparse
import ast
from pathlib import Path
from typing import Any

from exporters.family import Family
from exporters.request import Request
from exporters.variants import VARIANTS
from misure_onnx.errors import InputError
from misure_onnx.preprocessing import PRESETS, load_preprocessing
from misure_onnx.scores import SCORE_KINDS


def add_arguments(parser: argparse.ArgumentParser, family: Family) -> None:
    """What every family takes."""
    parser.add_argument("model", metavar="MODEL", help=family.model)
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="the ONNX file")
    weights = parser.add_mutually_exclusive_group(required=True)
    weights.add_argument("--weights", type=Path, metavar="FILE", help=family.weights)
    weights.add_argument("--pretrained", action="store_true", help=family.pretrained)
    weights.add_argument("--random-weights", action="store_true", help="an untrained network; the metadata say so")
    parser.add_argument("--seed", type=int, default=0, help="of random weights (%(default)s)")
    parser.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", dest="settings", help=family.settings
    )
    parser.add_argument("--size", metavar="H,W", help="of the input; of volumes D,H,W; one number is a square")
    parser.add_argument("--channels", type=int, default=3, help="of the input (%(default)s)")
    parser.add_argument("--classes", type=int, metavar="N", help="scores a pixel")
    parser.add_argument("--class-names", metavar="A,B,...", help="one a class; background first, if there is one")
    parser.add_argument("--preprocess", metavar="PRESET|FILE", help=f"{', '.join(PRESETS)}, or a YAML file")
    parser.add_argument("--output", choices=SCORE_KINDS, help="what the scores are (default: found in the graph)")
    parser.add_argument("--head", help="which result, of a network that returns several: a key, or a number")
    parser.add_argument("--source", help="where network and weights came from (default: framework and name)")
    parser.add_argument("--licence", help="of the weights, best as an SPDX identifier")
    parser.add_argument("--image", type=Path, action="append", default=[], help="for parity and int8; may be repeated")
    parser.add_argument("--variants", metavar="A,B", help=f"further files: {', '.join(VARIANTS)}")
    parser.add_argument("--exporter", choices=("dynamo", "legacy"), default="dynamo", help="torch's (%(default)s)")
    parser.add_argument("--opset", type=int, help="torch's exporters: 18 (dynamo), 17 (legacy)")


def request_of(options: argparse.Namespace) -> Request:
    """What was asked for.

    Raises:
        InputError: a value cannot be read.
    """
    declared = load_preprocessing(options.preprocess) if options.preprocess else None
    names = _listed(options.class_names) or (declared.class_names if declared else None)
    size = _size(options.size) if options.size else (declared.size if declared else None)
    return Request(
        model=options.model,
        weights=options.weights,
        pretrained=options.pretrained,
        seed=options.seed if options.random_weights else None,
        settings=dict(_setting(text) for text in options.settings),
        size=size,
        channels=options.channels,
        classes=options.classes,
        class_names=names,
        preprocessing=declared,
        output=options.output,
        head=options.head,
        source=options.source,
        licence=options.licence,
        exporter=options.exporter,
        opset=options.opset,
    )


def variants_of(options: argparse.Namespace) -> tuple[str, ...]:
    """The variants by name.

    Raises:
        InputError: there is no such variant.
    """
    names = _listed(options.variants) or ()
    unknown = sorted(set(names) - set(VARIANTS))
    if unknown:
        raise InputError(f"unknown variant {', '.join(unknown)}; the known ones are {', '.join(VARIANTS)}")
    return names


def _listed(text: str | None) -> tuple[str, ...] | None:
    return tuple(part.strip() for part in text.split(",") if part.strip()) if text else None


def _size(text: str) -> tuple[int, ...]:
    sides = text.replace("x", ",").split(",")
    if not all(side.strip().isdigit() and int(side) > 0 for side in sides) or len(sides) > 3:
        raise InputError(f"--size takes HEIGHT,WIDTH, DEPTH,HEIGHT,WIDTH or one number; got {text!r}")
    return tuple(map(int, sides)) if len(sides) > 1 else (int(sides[0]), int(sides[0]))


def _setting(text: str) -> tuple[str, Any]:
    """NAME=VALUE, the value as Python writes it; what is no Python value is text."""
    name, equals, value = text.partition("=")
    if not equals or not name.isidentifier():
        raise InputError(f"--set takes NAME=VALUE; got {text!r}")
    try:
        return name, ast.literal_eval(value)
    except (ValueError, SyntaxError):
        return name, value
