"""Measures what is missing in the results, or writes the table; see the package's docstring."""

import argparse
import subprocess
import sys
from pathlib import Path

from benchmarks.coverage.table import document

RESULTS = Path("benchmarks/results/coverage.json")


def main() -> None:
    """One process a network: exporters keep memory, and one that is killed leaves the others' rows."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.coverage")
    parser.add_argument("--out", type=Path, default=RESULTS, help=f"results, read and extended (default: {RESULTS})")
    parser.add_argument("--only", help="networks, e.g. smp/unet_resnet34,monai/unet_3d")
    parser.add_argument("--table", type=Path, help="measure nothing; write the table of the results to this file")
    arguments = parser.parse_args()
    if arguments.table:
        arguments.table.write_text(document(arguments.out), encoding="utf-8")
        return
    from benchmarks.coverage.data_models import names  # noqa: PLC0415 - the table needs no torch
    from benchmarks.coverage.zoo import MODELS  # noqa: PLC0415

    for name in arguments.only.split(",") if arguments.only else [*MODELS, *names()]:
        module = "benchmarks.coverage.measure" if name in MODELS else "benchmarks.coverage.data_models"
        command = [sys.executable, "-m", module, name, "--out", str(arguments.out)]
        if subprocess.run(command, check=False).returncode:  # noqa: S603 - our own command
            print(f"{name}: its process ended early; the rest goes on", flush=True)


if __name__ == "__main__":
    main()
