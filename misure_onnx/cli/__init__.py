"""The command `misure`: parse, call the api, print. Heavy imports happen inside the commands."""

import argparse
import io
import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path

from misure_onnx import __version__
from misure_onnx.cli import (
    audit,
    compare,
    compress,
    confined,
    demo,
    doctor,
    explain,
    insights,
    inspect,
    methods,
    metrics,
    reliability,
    report,
    serve,
    verify,
)
from misure_onnx.errors import MisureError

COMMANDS = {
    "demo": demo,
    "inspect": inspect,
    "explain": explain,
    "compress": compress,
    "audit": audit,
    "compare": compare,
    "insights": insights,
    "reliability": reliability,
    "report": report,
    "verify": verify,
    "serve": serve,
    "methods": methods,
    "metrics": metrics,
    "doctor": doctor,
}

_DEBUG = "MISURE_DEBUG"


def main(arguments: Sequence[str] | None = None, *, inside: bool = False) -> int:
    """Runs one command.

    Args:
        arguments: of the command line; None: this process's.
        inside: this process is the one with limits in which an untrusted model may run.

    Returns:
        Exit status: 0 done, 2 the input is wrong (the message says what was expected, what came and what
        to do), 1 anything else.
    """
    # OpenMP's waiting threads spin for milliseconds; on a machine that is busy otherwise that makes torch five times
    # slower. A fifteenth of that costs nothing on an idle one.
    os.environ.setdefault("GOMP_SPINCOUNT", "20000")
    _prepare_streams()
    try:
        return _run(arguments, inside=inside)
    except MisureError as error:
        return _fail(str(error), 2)
    except BrokenPipeError:
        _silence_stdout()
        return 1
    except KeyboardInterrupt as interruption:
        return _fail(str(interruption) or "interrupted; nothing was written", 1)
    except Exception as error:  # noqa: BLE001 - the last resort: a sentence instead of a traceback
        if os.environ.get(_DEBUG):
            traceback.print_exc()
        if isinstance(error, OSError):
            _silence_stdout()
            return _fail(f"the system refused to read or write: {error}", 1)
        return _fail(f"internal error: {type(error).__name__}: {error} (set {_DEBUG}=1 for the traceback)", 1)


def _run(arguments: Sequence[str] | None, *, inside: bool) -> int:
    given = sys.argv[1:] if arguments is None else list(arguments)
    try:
        parsed = _parser().parse_args(given)
        if getattr(parsed, "untrusted", False):
            if not inside:
                return confined.run(parsed, given)
            confined.check(parsed)
        status: int = COMMANDS[parsed.command].run(parsed)
        return status
    finally:
        sys.stdout.flush()  # a closed pipe or a full disk must be noticed while somebody can still say so


def _prepare_streams() -> None:
    """A closed stream becomes the null device, so that no file of ours gets its number; no text is unprintable."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, Path(os.devnull).open(mode, encoding="utf-8"))  # noqa: SIM115 - until the process ends
        elif mode == "w" and isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _silence_stdout() -> None:
    """What is left in the buffer goes to the null device, or the interpreter would complain when it ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _fail(message: str, status: int) -> int:
    sys.stderr.write(f"misure: error: {message}\n")
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="misure",
        description="Explains image segmentation models as they are deployed: the smallest part of an image "
        "with which the model still finds the object.",
    )
    parser.add_argument("--version", action="version", version=f"misure_onnx {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, command in COMMANDS.items():
        command.configure(commands.add_parser(name, help=command.HELP, description=command.HELP))
    return parser
