"""What scripts may rely on: exit status, help, and what reaches which stream."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from misure_onnx.cli import COMMANDS
from misure_onnx.explanation import Explanation
from tests.cli.documents import assert_complete
from tests.cli.outcome import Outcome, Run
from tests.cli.process import COMMAND, shell, started
from tests.test_files import contents

FAST = ("--method", "sufficient_region", "--preprocess", "unit")


@pytest.mark.parametrize(
    "arguments", [(), *((name,) for name in COMMANDS)], ids=lambda names: names[0] if names else ""
)
def test_help_is_fast(arguments: tuple[str, ...]) -> None:
    """Half a second of processor time, a tenth of which it takes."""
    with subprocess.Popen([*COMMAND, *arguments, "--help"], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        text = process.stdout.read()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    assert text.startswith(" ".join(["usage: misure", *arguments]))
    assert used.ru_utime + used.ru_stime < 0.5


def test_help_is_printable_on_every_terminal() -> None:
    outcome = started("explain", "--help", PYTHONIOENCODING="ascii", PYTHONUTF8="0", LC_ALL="C")
    assert outcome.status == 0
    assert outcome.err == ""


@pytest.mark.parametrize("arguments", [(), ("explode",), ("explain",), ("explain", "model.onnx")])
def test_a_wrong_command_line_ends_with_status_2(arguments: tuple[str, ...], misure: Run) -> None:
    misure(*arguments).assert_refused("usage: misure")


def test_json_is_one_document_and_nothing_else(small_network: Path, picture: Path) -> None:
    outcome = started("explain", small_network, picture, *FAST, "--json")
    assert_complete(outcome.document())
    assert all(line.startswith("misure: note: ") for line in outcome.err.splitlines())


def test_json_is_the_file(misure: Run, small_network: Path, picture: Path, tmp_path: Path) -> None:
    document = misure("explain", small_network, picture, *FAST, "--json", "--out", tmp_path / "out").document()
    assert document == json.loads((tmp_path / "out" / "explanation.json").read_text(encoding="utf-8"))


def test_names_survive_an_ascii_terminal(small_network: Path, picture: Path, tmp_path: Path) -> None:
    declared = tmp_path / "declared.yaml"
    declared.write_text("scale: 0.0039\nclass_names: [a, b, Straße, c]", encoding="utf-8")
    options = ("--method", "sufficient_region", "--preprocess", declared, "--class", "2")
    ascii_only = {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0", "LC_ALL": "C"}
    outcome = started("explain", small_network, picture, *options, "--json", **ascii_only)
    assert outcome.document()["target"]["class_name"] == "Straße"
    outcome = started("explain", small_network, picture, *options, **ascii_only)
    assert outcome.status == 0
    assert outcome.out.startswith("Stra\\xdfe: ")


def test_a_pipe_that_closes_early_is_no_news() -> None:
    outcome = shell('"$@" | true; exit 0', "methods", "--json")
    assert outcome == Outcome(0, "", "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk_behind_stdout_ends_with_status_1() -> None:
    outcome = shell('"$@" > /dev/full', "methods", "--json")
    assert outcome.status == 1
    assert outcome.err.startswith("misure: error: the system refused to read or write: ")
    assert len(outcome.err.splitlines()) == 1


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams_do_not_matter(closed: str, small_network: Path, picture: Path, tmp_path: Path) -> None:
    outcome = shell(f'"$@" {closed}', "explain", small_network, picture, *FAST, "--out", tmp_path / "out")
    assert outcome.status == 0
    assert Explanation.load(tmp_path / "out").method.name == "sufficient_region"
    outcome = shell(f'"$@" {closed}', "explain", tmp_path / "nowhere.onnx", picture)
    assert outcome.status == 2
    assert "Traceback" not in outcome.err


def test_notes_and_progress_go_to_stderr(misure: Run, small_network: Path, picture: Path) -> None:
    outcome = misure("explain", small_network, picture, "--method", "sufficient_region")
    assert outcome.status == 0
    assert "note: preprocessing was not declared: 'imagenet' was assumed" in outcome.err
    assert "note: no target was given" in outcome.err
    assert "note" not in outcome.out
    assert "sufficient_region" in outcome.out
    assert "--out DIR" in outcome.out


def test_an_unforeseen_error_ends_with_status_1_and_a_sentence(
    misure: Run, small_network: Path, picture: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = ("explain", small_network, picture, "--preprocess", "unit", "--method", "rise", "--set")
    impossible = f"cells={10**7}"
    outcome = misure(*options, impossible, "--json")
    assert outcome.status == 1
    assert outcome.out == ""
    assert outcome.err.startswith("misure: error: internal error: ")
    assert "Traceback" not in outcome.err
    monkeypatch.setenv("MISURE_DEBUG", "1")
    assert "Traceback" in misure(*options, impossible).err


def test_nothing_is_left_in_the_home_directory(small_network: Path, picture: Path, tmp_path: Path) -> None:
    """ONNX Runtime would leave an identifier there and report to its vendor."""
    home = tmp_path / "home"
    home.mkdir()
    folders = {"HOME": str(home), "XDG_CACHE_HOME": "", "XDG_CONFIG_HOME": "", "MPLCONFIGDIR": str(tmp_path / "mpl")}
    assert started("explain", small_network, picture, *FAST, "--json", **folders).status == 0
    assert contents(home) == {}
