"""`misure report AUDIT`."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from misure_onnx.cli.output import write_json, write_line
from misure_onnx.cli.seed import add_seed_argument, check_seed

if TYPE_CHECKING:  # these import numpy and more
    from misure_onnx.report.write import Written

HELP = "one page about an audit that needs nothing else, the same as JSON, and a sha256 manifest"


def configure(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument("audit", type=Path, metavar="AUDIT", help="folder that misure audit wrote")
    parser.add_argument("--out", type=Path, metavar="FILE", help="default: AUDIT/report.html; the JSON lies beside it")
    add_seed_argument(parser, "intervals and folds")
    parser.add_argument("--json", action="store_true", help="print report.json on stdout and nothing else")


def run(arguments: argparse.Namespace) -> int:
    """Writes and says where."""
    from misure_onnx.report.write import write_report  # noqa: PLC0415 - `--help` must start fast

    check_seed(arguments)
    written = write_report(arguments.audit, arguments.out, arguments.seed)
    if arguments.json:
        write_json(written.document)
    else:
        tell(written)
    return 0


def tell(written: "Written") -> None:
    """A line a file."""
    for place in (written.page, written.record, written.manifest):
        write_line(f"written: {place}")
    write_line(f"sha256 of the manifest, to be kept elsewhere: {written.manifest_sha256}")
