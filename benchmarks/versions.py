"""With which versions of Python and of the dependencies do the core's tests pass, run on the built wheel?

    python -m benchmarks.versions lowest                          # the lowest versions that pyproject.toml allows
    python -m benchmarks.versions newest --python python3.13
    python -m benchmarks.versions lowest --tests tests/test_mask.py --dry
    python -m benchmarks.versions --docs docs/packaging.md

Each run makes an environment of its own with uv, installs the wheel (never the tree) with the extras `EXTRAS`, and runs
`TESTS` in a copy of tests/ that has no package beside it. A row of benchmarks/results/versions.json is Python's version
and the resolution; a run replaces its row. Exit status 1: a test failed.
"""

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.page_table import write_table
from benchmarks.results_file import write_results
from misure_onnx.machine import describe_machine

ROOT = Path(__file__).resolve().parents[1]
RESULT = Path(__file__).with_name("results") / "versions.json"
MARKERS = ("<!-- table: benchmarks.versions -->", "<!-- end of table -->")
EXTRAS = ("medical", "geo", "reports", "remote", "service")
TESTS = (
    "tests/contracts/test_methods.py",
    "tests/metrics",
    "tests/graph",
    "tests/audit/test_rle.py",
    *(f"tests/test_{name}.py" for name in ("classes", "dicom", "explanation", "files", "geotiff", "images", "mask")),
    *(f"tests/test_{name}.py" for name in ("network_input", "overlap", "preprocessing", "published_schema")),
    *(f"tests/test_{name}.py" for name in ("refused_images", "scores", "target", "volumes")),
)
_TOOLS = ("pytest>=8.2", "hypothesis>=6.100", "jsonschema>=4.21")
_FOLDERS = ("tests", "benchmarks", "exporters", "docs")
_FILES = ("pyproject.toml", "README.md")
_QUIET = ("-W", "ignore::DeprecationWarning", "-W", "ignore::PendingDeprecationWarning")
"""Old libraries meet newer ones that they need, and are warned by them."""


def main(arguments: Sequence[str] | None = None) -> int:
    """One environment, one run, one row."""
    parser = argparse.ArgumentParser(description="the core's tests on the built wheel, with other versions")
    parser.add_argument("resolution", nargs="?", choices=("lowest", "newest"))
    parser.add_argument("--python", default=sys.executable, help="interpreter (default: this one)")
    parser.add_argument("--tests", nargs="+", default=TESTS, metavar="PATH")
    parser.add_argument("--dry", action="store_true", help="write no row")
    parser.add_argument("--docs", type=Path, metavar="PAGE", help="write the table into a page; run nothing")
    asked = parser.parse_args(arguments)
    if asked.docs:
        write_table(asked.docs, table(), MARKERS)
        return 0
    if asked.resolution is None:
        parser.error("lowest or newest?")
    with tempfile.TemporaryDirectory(prefix="misure-versions-") as folder:
        python = environment(Path(folder), asked.python, asked.resolution)
        row = {**installed(python), **tested(Path(folder), python, asked.tests)}
    print(json.dumps(row, indent=1))
    if not asked.dry:
        write(f"{row['python']} {asked.resolution}", row)
    return int(row["failed"] > 0 or row["passed"] == 0)


def environment(folder: Path, interpreter: str, resolution: str) -> Path:
    """The interpreter of an environment with the wheel, its extras and the tools of the tests."""
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True)  # noqa: S603 - our own tools
    (wheel,) = folder.glob("*.whl")
    uv("venv", "--python", interpreter, folder / "environment")
    python = folder / "environment" / "bin" / "python"
    into = ("pip", "install", "--python", python)
    lowest = ("--resolution", "lowest-direct") if resolution == "lowest" else ()
    uv(*into, *lowest, f"misure-onnx[{','.join(EXTRAS)}] @ {wheel.as_uri()}", *bounds(resolution))
    uv(*into, *_TOOLS)
    return python


def bounds(resolution: str) -> list[str]:
    """What the wheel asks for, named directly: only direct requirements are resolved to their lowest versions."""
    if resolution == "newest":
        return []
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = (project["optional-dependencies"][extra] for extra in EXTRAS)
    return [*project["dependencies"], *(requirement for extra in extras for requirement in extra)]


def uv(*arguments: str | Path) -> None:
    """Raises CalledProcessError, after uv's own words, if it fails."""
    subprocess.run([sys.executable, "-m", "uv", "--quiet", *map(str, arguments)], check=True)  # noqa: S603 - as above


def installed(python: Path) -> dict[str, Any]:
    """Python's version, and those of what the wheel asks for."""
    program = """
import importlib.metadata as m, json, platform, re
names = {re.match(r"[A-Za-z0-9._-]+", text).group().lower() for text in m.requires("misure-onnx")}
found = {d.name.lower().replace("_", "-"): d.version for d in m.distributions()}
print(json.dumps({"python": platform.python_version(), "versions": {n: found[n] for n in sorted(names) if n in found}}))
"""
    printed = subprocess.run([str(python), "-c", program], check=True, capture_output=True, text=True).stdout  # noqa: S603
    answer: dict[str, Any] = json.loads(printed)
    return answer


def tested(folder: Path, python: Path, tests: Sequence[str]) -> dict[str, Any]:
    """Counts of the tests, run where no package lies beside them."""
    tree = folder / "tree"
    for name in _FOLDERS:
        shutil.copytree(ROOT / name, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in _FILES:
        shutil.copy(ROOT / name, tree / name)
    command = [str(python), "-m", "pytest", "-q", "-p", "no:cacheprovider", *_QUIET, *tests]
    done = subprocess.run(command, cwd=tree, check=False, capture_output=True, text=True)  # noqa: S603
    print(done.stdout, file=sys.stderr)
    counts = {word: int(number) for number, word in re.findall(r"(\d+) (passed|failed|skipped|error)", done.stdout)}
    failures = re.findall(r"^(?:FAILED|ERROR) (\S+)", done.stdout, flags=re.MULTILINE)
    failed = counts.get("failed", 0) + counts.get("error", 0)
    return {
        "passed": counts.get("passed", 0),
        "skipped": counts.get("skipped", 0),
        "failed": failed,
        "failures": failures,
        "tests": list(tests),
    }


def write(key: str, row: dict[str, Any]) -> None:
    """Replaces one row."""
    document = json.loads(RESULT.read_text(encoding="utf-8")) if RESULT.exists() else {"rows": {}}
    document["machine"] = {name: value for name, value in describe_machine().items() if name != "versions"}
    document["rows"] = dict(sorted({**document["rows"], key: row}.items()))
    write_results(RESULT, document)


def table() -> str:
    """Of the committed rows; the rest of the versions stands in the JSON."""
    rows = json.loads(RESULT.read_text(encoding="utf-8"))["rows"]
    shown = ("onnxruntime-gpu", "onnx", "numpy", "scipy", "opencv-python-headless", "scikit-learn", "pillow")
    lines = [
        f"| Python | versions | {' | '.join(shown)} | passed | skipped | failed |",
        f"|---|---|{'---|' * len(shown)}---|---|---|",
    ]
    for key, row in rows.items():
        versions = " | ".join(row["versions"].get(name, "-") for name in shown)
        resolution = key.split()[1]
        lines.append(
            f"| {row['python']} | {resolution} | {versions} | {row['passed']} | {row['skipped']} | {row['failed']} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
