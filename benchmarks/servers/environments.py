"""Environments of inference servers: their pins contradict each other's and the project's, so each has its own.

They are made on demand with `venv` and pip in a cache folder (`MISURE_SERVER_ENVIRONMENTS`, else the user's cache) and
stay there. What cannot be made is said in one sentence: tests skip with it.

    python -m benchmarks.servers.environments [NAME ...]
"""

import argparse
import fcntl
import hashlib
import os
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_VARIABLE = "MISURE_SERVER_ENVIRONMENTS"
_SECONDS = 1500
_LEAST_FREE = 2 * 2**30
_COMPLETE = "complete"
_RUNTIME = "onnxruntime>=1.22,<2"


class NoEnvironment(Exception):  # noqa: N818 - reads as what it is
    """An environment cannot be made; the message says why."""


@dataclass(frozen=True)
class Requirements:
    """What one server needs.

    Attributes:
        packages: for pip.
        python: interpreters that can run it, the first that exists is taken; empty: this one.
    """

    packages: tuple[str, ...]
    python: tuple[str, ...] = ()


def _own_dependencies() -> tuple[str, ...]:
    """What this project needs; ONNX Runtime as the wheel that needs no GPU."""
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    others = (package for package in project["dependencies"] if not package.startswith("onnxruntime"))
    return (_RUNTIME, *others)


ENVIRONMENTS = {
    # Triton embeds a Python 3.11 of Debian's, whose standard library the environment must have.
    "triton": Requirements(("nvidia-pytriton==0.7.0", _RUNTIME, "numpy<2"), ("/usr/bin/python3.11",)),
    "kserve": Requirements(("kserve==0.21.0", _RUNTIME)),
    "mlserver": Requirements(("mlserver==1.7.1", _RUNTIME)),
    "mlserver_with_misure": Requirements(("mlserver==1.7.1", *_own_dependencies(), "httpx2>=2")),
    "mlflow": Requirements(("mlflow-skinny==3.17.2", "fastapi", "uvicorn", "pandas", _RUNTIME)),
}


def folder() -> Path:
    """Where environments are kept."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Path(os.environ.get(_VARIABLE) or cache / "misure-onnx" / "servers")


def python_of(name: str) -> Path:
    """The interpreter of a server's environment, which is made if it is not there.

    Raises:
        NoEnvironment: no interpreter of the right kind, no place, or pip failed.
    """
    made = _made(name)
    if isinstance(made, NoEnvironment):
        raise made
    return made


@cache
def _made(name: str) -> Path | NoEnvironment:
    """What could not be made is not tried again by every test."""
    try:
        return _found_or_made(name, ENVIRONMENTS[name])
    except NoEnvironment as reason:
        return reason


def _found_or_made(name: str, wanted: Requirements) -> Path:
    base = _interpreter(wanted)
    recipe = hashlib.sha256("\n".join((base, *wanted.packages)).encode()).hexdigest()[:10]
    place = folder() / f"{name}-{recipe}"
    python = place / "bin" / "python"
    if (place / _COMPLETE).is_file():
        return python
    with _locked(place):
        if not (place / _COMPLETE).is_file():
            _make(base, place, wanted.packages)
            (place / _COMPLETE).touch()
    return python


def _interpreter(wanted: Requirements) -> str:
    if not wanted.python:
        return str(Path(sys.executable).resolve())  # not that of one checkout's environment
    for candidate in wanted.python:
        if Path(candidate).is_file():
            return candidate
    raise NoEnvironment(f"none of {', '.join(wanted.python)} is installed")


@contextmanager
def _locked(place: Path) -> Iterator[None]:
    """Two test runs do not make the same environment at once."""
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with place.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
    except OSError as error:
        raise NoEnvironment(f"{place} cannot be written: {error}; set {_VARIABLE} to another folder") from error


def _make(base: str, place: Path, packages: tuple[str, ...]) -> None:
    system = os.statvfs(place.parent)
    if system.f_bavail * system.f_frsize < _LEAST_FREE:
        raise NoEnvironment(f"less than {_LEAST_FREE >> 30} GiB are free in {place.parent}")
    _run([base, "-m", "venv", "--clear", "--without-pip", str(place)])
    python = str(place / "bin" / "python")
    _run([sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--prefer-binary", *packages])


def _run(command: list[str]) -> None:
    try:
        done = subprocess.run(command, capture_output=True, check=False, text=True, timeout=_SECONDS)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NoEnvironment(f"{command[0]} could not run: {error}") from error
    if done.returncode:
        said = [line for line in (done.stderr or done.stdout).splitlines() if line.strip()]
        raise NoEnvironment(f"{' '.join(command[:4])} failed: {said[-1] if said else 'without a word'}")


def main() -> None:
    """Makes them all, or those named."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(ENVIRONMENTS)} (default: all)")
    for name in parser.parse_args().names or ENVIRONMENTS:
        try:
            print(f"{name}: {python_of(name)}")
        except NoEnvironment as error:
            print(f"{name}: {error}")


if __name__ == "__main__":
    main()
