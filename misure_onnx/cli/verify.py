"""`misure verify DIR`."""

import argparse
import dataclasses
from pathlib import Path

from misure_onnx.cli.output import write_json, write_line

HELP = "whether the files of an audit are still those that its report was written about"


def configure(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument("folder", type=Path, metavar="DIR", help="folder with a manifest.sha256.json")
    parser.add_argument("--json", action="store_true", help="print one JSON document on stdout and nothing else")


def run(arguments: argparse.Namespace) -> int:
    """Compares; 1 where something differs."""
    from misure_onnx.file_hash import sha256_of  # noqa: PLC0415 - `--help` must start fast
    from misure_onnx.report.manifest import MANIFEST, verify  # noqa: PLC0415

    found = verify(arguments.folder)
    own = sha256_of(arguments.folder / MANIFEST)
    if arguments.json:
        write_json({**dataclasses.asdict(found), "manifest_sha256": own})
    else:
        for kind, names in dataclasses.asdict(found).items():
            for name in names:
                write_line(f"{kind}: {name}")
        write_line(f"{'nothing' if found.none else 'something'} differs from the manifest, whose own sha256 is {own}")
    return 0 if found.none else 1
