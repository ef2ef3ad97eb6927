"""The command line in a process of its own, as a user starts it."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.cli.outcome import Outcome

COMMAND = (sys.executable, "-m", "misure_onnx.cli")


def started(*arguments: str | Path, prelude: str = "", **environment: str) -> Outcome:
    """`misure` in a process of its own; `prelude` is Python that runs before anything else."""
    with tempfile.TemporaryDirectory() as folder:
        if prelude:
            Path(folder, "sitecustomize.py").write_text(prelude, encoding="utf-8")
            environment["PYTHONPATH"] = os.pathsep.join([folder, str(Path.cwd())])
        ended = subprocess.run(
            [*COMMAND, *map(str, arguments)],
            capture_output=True,
            check=False,
            text=True,
            encoding="utf-8",
            env={**os.environ, **environment},
        )
    return Outcome(ended.returncode, ended.stdout, ended.stderr)


def shell(line: str, *arguments: str | Path) -> Outcome:
    """A line of sh in which "$@" is `misure` with arguments."""
    command = ["sh", "-c", line, "sh", *COMMAND, *map(str, arguments)]
    ended = subprocess.run(command, capture_output=True, check=False, text=True, encoding="utf-8")
    return Outcome(ended.returncode, ended.stdout, ended.stderr)
