"""`misure doctor`."""

import argparse

from misure_onnx.cli.output import write_json, write_line

HELP = "show what is installed, which execution providers really load, and what to do if one does not"


def configure(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout and nothing else")


def run(arguments: argparse.Namespace) -> int:
    """Runs the checks; exit status 1 when one found a fault."""
    from misure_onnx.doctor import examine  # noqa: PLC0415 - `--help` must start fast

    checks = examine()
    if arguments.json:
        write_json([check.to_json() for check in checks])
    else:
        for check in checks:
            write_line(f"[{check.status:^7}] {check.name}: {check.found}")
            if check.repair:
                write_line(f"          {check.repair}")
    return 1 if any(check.status == "fault" for check in checks) else 0
