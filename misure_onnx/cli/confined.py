"""`--untrusted`: the command runs in a process of its own with limits on memory and time.

A model of 142 bytes can ask for 74 GiB, and one of a few more can run for ever: nothing in the file gives either away.
"""

import argparse
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from misure_onnx.errors import ModelError, ParameterError

_GIB = 2**30
_MEMORY, _SECONDS = 8.0, 600.0
_CPU = ("auto", "cpu")
_GRACE = 5.0
"""Seconds that an interrupted process has to tidy up."""


def add_untrusted_arguments(parser: argparse.ArgumentParser) -> None:
    """For commands that take a model."""
    group = parser.add_argument_group("models of strangers (Linux, CPU)")
    group.add_argument(
        "--untrusted", action="store_true",
        help="refuse models that read other files, and run in a process with limits on memory and time",
    )  # fmt: skip
    group.add_argument("--memory-limit", type=float, default=_MEMORY, metavar="GIB", help=f"default: {_MEMORY:g}")
    group.add_argument("--time-limit", type=float, default=_SECONDS, metavar="SECONDS", help=f"default: {_SECONDS:g}")


def run(arguments: argparse.Namespace, given: Sequence[str]) -> int:
    """The whole command again, in a process with limits.

    Raises:
        ModelError: the model needs more than the limits, or ended its process.
        ParameterError: such limits cannot be kept here.
    """
    if sys.platform != "linux":
        raise ParameterError("--untrusted needs Linux, whose processes can be limited; use a virtual machine instead")
    if arguments.provider not in _CPU:
        raise ParameterError(
            f"--untrusted runs on the CPU, where memory can be limited; got --provider {arguments.provider}"
        )
    for model in _models(arguments):
        if "://" in model:
            raise ParameterError(f"--untrusted limits the process that runs a model's file; {model} runs in its server")
    if arguments.memory_limit <= 0 or arguments.time_limit <= 0:
        raise ParameterError("--memory-limit and --time-limit must be above 0")
    limit = str(int(arguments.memory_limit * _GIB))
    command = [sys.executable, "-m", "misure_onnx.cli.confined_child", limit, str(os.getpid()), *given]
    # A group of its own, so that helpers of the child end with it.
    child = subprocess.Popen(command, process_group=0)  # noqa: S603 - this program again
    try:
        return _status(child.wait(arguments.time_limit), arguments)
    except subprocess.TimeoutExpired:
        raise ModelError(
            f"stopped after {arguments.time_limit:g} seconds (--time-limit): the model, or what was asked about it, "
            "takes longer"
        ) from None
    except KeyboardInterrupt:
        os.killpg(child.pid, signal.SIGINT)
        child.wait(_GRACE)
        raise
    finally:
        _end(child)


def check(arguments: argparse.Namespace) -> None:
    """In the child, before the command: what can be told from the files.

    Raises:
        ModelError: a model is refused.
    """
    from misure_onnx.graph.untrusted import check_untrusted  # noqa: PLC0415 - `--help` must start fast

    arguments.provider = "cpu"
    for model in _models(arguments):
        check_untrusted(Path(model))


def _models(arguments: argparse.Namespace) -> list[str]:
    given = (getattr(arguments, name, None) for name in ("model", "model_a", "model_b"))
    return [model for model in given if model is not None]


def _status(code: int, arguments: argparse.Namespace) -> int:
    if code >= 0:
        return code
    name = signal.Signals(-code).name
    raise ModelError(
        f"the process of the model was ended by {name}, as it happens when it needs more than the "
        f"{arguments.memory_limit:g} GiB of --memory-limit, or when a model breaks ONNX Runtime"
    )


def _end(child: subprocess.Popen[bytes]) -> None:
    try:
        os.killpg(child.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    child.wait()
