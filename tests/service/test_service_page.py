"""docs/service.md cannot drift: its options are the command's, its numbers are those that were measured."""

import json
import re
from pathlib import Path

from misure_onnx.cli import _parser

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "service.md").read_text(encoding="utf-8")
RESULTS = json.loads((ROOT / "benchmarks" / "results" / "service.json").read_text(encoding="utf-8"))


def test_every_option_is_explained_and_exists() -> None:
    (parser,) = [
        action.choices["serve"] for action in _parser()._actions if isinstance(action.choices, dict)
    ]  # fmt: skip
    options = {name for action in parser._actions for name in action.option_strings if name.startswith("--")}
    assert options - {"--help", "--port"} <= set(re.findall(r"--[a-z-]+", PAGE))
    table = PAGE.split("| option | means |")[1].split("\n\n")[0]
    assert set(re.findall(r"`(--[a-z-]+)", table)) <= options | {"--preprocess"}


def test_nothing_was_lost_doubled_or_wrong_under_load() -> None:
    load = RESULTS["load"]
    assert (load["lost"], load["doubled"], load["wrong"]) == (0, 0, 0)
    assert load["distinct"] == load["jobs"] >= 200
    assert load["clients"] >= 20


def test_the_service_costs_less_than_a_twentieth() -> None:
    assert RESULTS["overhead"]["median_ratio"]["processor"] <= 1.05


def test_the_pages_numbers_are_those_of_the_results() -> None:
    load, ratio = RESULTS["load"], RESULTS["overhead"]["median_ratio"]
    latency = load["latency_seconds"]
    for value in (
        f"{ratio['wall']:.2f}",
        f"{ratio['processor']:.2f}",
        f"{load['jobs']} jobs from {load['clients']} clients",
        *(f"{latency['until_the_result'][share]:.0f} s" for share in ("p50", "p95", "p99")),
        *(f"{latency['accepted'][share]:.2f} s" for share in ("p50", "p95", "p99")),
    ):
        assert value in PAGE, value
