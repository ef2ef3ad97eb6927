"""Which branches of the core do the core's own tests take?

    python -m benchmarks.branch_coverage            # runs `TESTS` under coverage.py, prints and writes the table
    python -m benchmarks.branch_coverage --dry      # writes nothing

What counts as the core stands in pyproject.toml (tool.coverage.report). A branch is a line that may go on in more than
one way, counted once for each way. Tests of other parts reach the core too; they are left out on purpose.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import coverage

from benchmarks.results_file import write_results
from misure_onnx.machine import describe_machine

RESULT = Path(__file__).with_name("results") / "coverage_of_tests.json"
TESTS = (
    "tests/test_mask.py",
    "tests/test_mask_moved.py",
    "tests/test_mask_of_volumes.py",
    "tests/test_overlap.py",
    "tests/audit/test_rle.py",
    "tests/methods/test_certificate.py",
    "tests/methods/test_sufficient_region.py",
    "tests/methods/misure",
    "tests/metrics",
)
PARTS = (
    "audit/rle",
    "mask",
    "methods/certificate",
    "methods/misure",
    "methods/sufficient_region",
    "metrics",
    "overlap",
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs, prints, writes; exit status 1 if a test fails."""
    parser = argparse.ArgumentParser(description="branches of the core that its own tests take")
    parser.add_argument("--data", type=Path, help="of a run that was made before; none is made")
    parser.add_argument("--dry", action="store_true", help="write nothing")
    asked = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="misure-coverage-") as folder:
        data = asked.data or Path(folder) / "data"
        command = [sys.executable, "-m", "coverage", "run", f"--data-file={data}", "-m", "pytest", "-q", *TESTS]
        status = 0 if asked.data else subprocess.run(command, check=False).returncode  # noqa: S603 - our own tests
        if status == 0:
            document = summary(data, Path(folder) / "report.json")
    if status == 0:
        print(json.dumps(document, indent=1))
        if not asked.dry:
            write_results(RESULT, document)
    return status


def summary(data: Path, report: Path) -> dict[str, Any]:
    """Counts for each part of the core, and what is missing in each file."""
    measured = coverage.Coverage(data_file=str(data))
    measured.load()
    measured.json_report(outfile=str(report))
    found = json.loads(report.read_text(encoding="utf-8"))
    parts: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    missing = {}
    for path, file in found["files"].items():
        name = path.removeprefix("misure_onnx/").removesuffix(".py")
        for part in (next(part for part in PARTS if name == part or name.startswith(f"{part}/")), "total"):
            for key, counted in _KEYS.items():
                parts[part][key] += file["summary"][counted]
        if file["missing_branches"] or file["missing_lines"]:
            missing[path] = {"lines": file["missing_lines"], "branches": file["missing_branches"]}
    return {"machine": describe_machine(), "parts": parts, "missing": missing, "tests": list(TESTS)}


_KEYS = {
    "branches": "num_branches",
    "branches_taken": "covered_branches",
    "statements": "num_statements",
    "statements_run": "covered_lines",
}


if __name__ == "__main__":
    sys.exit(main())
