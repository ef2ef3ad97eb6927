"""`python -m exporters FAMILY MODEL ... --out model.onnx`, and `python -m exporters parity`."""

import argparse
import logging
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from exporters.arguments import add_arguments, request_of, variants_of
from exporters.export import export
from exporters.families import FAMILIES
from exporters.parity import ParityError
from exporters.samples import SAMPLES
from exporters.table import RESULTS, measure_each, record, write_table
from misure_onnx.errors import InputError, MisureError

_PARITY = "parity"


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command.

    Returns:
        Exit status: 0 done, 2 the input is wrong (the message says what was expected, what came and what to do), 1 the
        file deviates from its network.
    """
    logging.disable(logging.WARNING)  # the frameworks' own
    options = _parser().parse_args(arguments)
    try:
        if options.family == _PARITY:
            return _parity(options)
        for line in _in_words(_export(options)):
            print(line)
    except (MisureError, ParityError) as error:
        print(f"exporters: {error}", file=sys.stderr)
        return 2 if isinstance(error, MisureError) else 1
    return 0


def _export(options: argparse.Namespace) -> dict[str, Any]:
    variants = variants_of(options)
    return export(FAMILIES[options.family].source(request_of(options)), options.out, options.image, variants)


def _parity(options: argparse.Namespace) -> int:
    """Samples by name: one is measured here, several in processes of their own."""
    unknown = sorted(set(options.names) - set(SAMPLES))
    if unknown:
        raise InputError(f"unknown sample {', '.join(unknown)}; the known ones are {', '.join(SAMPLES)}")
    if options.table:
        write_table(options.out, options.table)
    elif len(options.names) == 1:
        (name,) = options.names
        with tempfile.TemporaryDirectory(prefix="misure-") as folder:
            out = ["--random-weights", "--out", str(Path(folder, "model.onnx"))]
            report = _export(_parser().parse_args([*SAMPLES[name].split(), *out]))
        print(f"{name}: {report['parity']['random']['largest_deviation']:.1e}", flush=True)
        record(options.out, name, report)
    else:
        failed = measure_each(options.names or list(SAMPLES), options.out)
        if failed:
            print(f"failed: {', '.join(failed)}", file=sys.stderr)
        return 1 if failed else 0
    return 0


def _in_words(report: dict[str, Any]) -> list[str]:
    """What was written, for people."""
    declared, found = report["metadata"], report["parity"]
    names = declared.get("class_names")
    lines = [
        (
            f"{report['file']}: {report['bytes'] / 1e6:.2f} MB, opset {report['opset']}, input {declared['layout']} "
            f"{declared.get('size', 'of any size')}, {declared['output']}, {len(names) if names else 'unnamed'} classes"
        ),
        f"  source: {declared['source']}; licence: {declared.get('licence', 'not declared (--licence)')}",
    ]
    lines += [
        f"  parity on {name} inputs: largest deviation {found[name]['largest_deviation']:.1e}, same class at "
        f"{found[name]['same_class']:.3%} of the pixels (tolerance: {found['tolerance']})"
        for name in ("random", "real")
    ]
    lines += [
        f"  {name}: {variant['bytes'] / 1e6:.1f} MB, Dice {variant['real']['dice']:.3f} (worst class "
        f"{variant['real']['smallest_dice']:.3f}), same class at {variant['real']['same_class']:.3%} of the pixels"
        for name, variant in report["variants"].items()
    ]
    return lines + [f"  note: {note}" for note in report["notes"]]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m exporters", description=__doc__)
    commands = parser.add_subparsers(dest="family", required=True, metavar="FAMILY")
    for name, family in FAMILIES.items():
        add_arguments(commands.add_parser(name, help=family.summary, description=family.summary), family)
    described = "export one network of every kind with random weights and record the parity"
    table = commands.add_parser(_PARITY, help=described, description=described)
    table.add_argument("names", nargs="*", metavar="NAME", help=f"only these, of {', '.join(SAMPLES)}")
    table.add_argument("--out", type=Path, default=RESULTS, help="results, read and extended (%(default)s)")
    table.add_argument("--table", type=Path, metavar="PAGE", help="measure nothing; put the results into this page")
    return parser


if __name__ == "__main__":
    sys.exit(main())
