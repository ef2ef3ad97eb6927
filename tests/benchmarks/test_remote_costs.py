"""What the page about servers says is what was measured, and what the command line takes."""

import json
import re
from pathlib import Path

from benchmarks.page_table import with_table
from benchmarks.remote import MARKERS, table
from benchmarks.servers.environments import ENVIRONMENTS
from misure_onnx.cli import _parser

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "remote.md").read_text(encoding="utf-8")
RESULTS = json.loads((ROOT / "benchmarks" / "results" / "remote.json").read_text(encoding="utf-8"))


def test_the_table_is_that_of_the_results() -> None:
    assert with_table(PAGE, table(RESULTS), MARKERS) == PAGE


def test_every_protocol_of_every_server_was_measured_and_gave_the_file_s_scores() -> None:
    measured = {(row["server"], row["protocol"]) for row in RESULTS["rows"]}
    both = {(server, protocol) for server in ("triton", "kserve") for protocol in ("REST binary", "REST JSON", "gRPC")}
    assert measured == both | {("mlserver", "REST JSON"), ("mlserver", "gRPC"), ("mlflow", "MLflow")}
    assert {server for server, _ in measured} <= set(ENVIRONMENTS)
    assert all(row["largest_difference"] <= 1e-4 * row["largest_score"] for row in RESULTS["rows"])


def test_every_option_that_the_page_names_exists() -> None:
    own = set(re.findall(r"`(--[a-z-]+)", PAGE.split("## As an explainer")[0])) - {"--grpc"}
    commands = next(action for action in _parser()._actions if action.dest == "command").choices
    assert commands is not None
    known = {option for action in commands["explain"]._actions for option in action.option_strings}  # type: ignore[call-overload,index]
    assert own <= known
