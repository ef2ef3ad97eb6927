"""The page's table is the committed result."""

import json
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SCORES = ("max_probability", "entropy", "paper", "extended", "confidence", "all")


def test_the_measured_table_is_the_committed_result() -> None:
    page = (ROOT / "docs/reliability.md").read_text(encoding="utf-8")
    results = json.loads((ROOT / "benchmarks/results/reliability.json").read_text(encoding="utf-8"))["all"]
    rows = re.findall(r"^\| Dice ≥ ([\d.]+) \| ([\d.]+) \| (.+) \|$", page, flags=re.MULTILINE)
    assert [row[0] for row in rows] == list(results)
    for threshold, base_rate, cells in rows:
        found = results[threshold]
        assert base_rate == f"{found['base_rate']:.2f}"
        expected = [(found[name]["auc"], *found[name]["auc_interval"]) for name in SCORES]
        assert cells.split(" | ") == [f"{auc:.2f} [{low:.2f}, {high:.2f}]" for auc, low, high in expected]
