"""Places that results cannot be written to: status 2, one message, and what was there before stays complete."""

from pathlib import Path

import pytest

from misure_onnx.explanation import Explanation
from tests.cli.outcome import Run
from tests.test_files import contents, disk_full_beyond

OPTIONS = ("--method", "sufficient_region", "--preprocess", "unit", "--json", "--out")


@pytest.mark.parametrize("place", ["file", "file/out", "file/a/b", "o" * 256])
def test_a_place_that_is_no_directory_is_refused_before_anything_else(
    place: str, misure: Run, picture: Path, tmp_path: Path
) -> None:
    """The model does not even exist: nobody waits for an explanation that cannot be kept."""
    (tmp_path / "file").write_bytes(b"mine")
    before = contents(tmp_path)
    outcome = misure("explain", tmp_path / "nowhere.onnx", picture, *OPTIONS, tmp_path / place)
    outcome.assert_refused("the explanation could not be written to", "choose a directory", "--out")
    assert contents(tmp_path) == before


@pytest.mark.parametrize("place", ["/proc/out", "/sys/out"])
def test_a_place_that_takes_no_files_is_refused(place: str, misure: Run, small_network: Path, picture: Path) -> None:
    if not Path(place).parent.is_dir():
        pytest.skip(f"this system has no {Path(place).parent}")
    misure("explain", small_network, picture, *OPTIONS, place).assert_refused("could not be written to", "--out")


@pytest.mark.parametrize("methods", ["sufficient_region", "sufficient_region,rise"])
def test_on_a_full_disk_nothing_is_left(
    methods: str, misure: Run, small_network: Path, picture: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    options = ("--method", methods, "--set", "masks=4") if "rise" in methods else ("--method", methods)
    with disk_full_beyond(1000):
        outcome = misure("explain", small_network, picture, *OPTIONS, out, *options)
    outcome.assert_refused("File too large", "disk with free space")
    assert not out.exists()


def test_on_a_full_disk_an_earlier_explanation_stays_complete(
    misure: Run, small_network: Path, picture: Path, tmp_path: Path
) -> None:
    assert misure("explain", small_network, picture, *OPTIONS, tmp_path / "out", "--class", "2").status == 0
    before = contents(tmp_path / "out")
    with disk_full_beyond(1000):
        outcome = misure("explain", small_network, picture, *OPTIONS, tmp_path / "out", "--class", "1")
    outcome.assert_refused("File too large")
    assert contents(tmp_path / "out") == before
    assert Explanation.load(tmp_path / "out").target.class_index == 2


def test_an_earlier_explanation_is_replaced_completely(
    misure: Run, small_network: Path, picture: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    assert misure("explain", small_network, picture, *OPTIONS, out).status == 0
    assert (out / "sufficient_region.png").is_file()
    assert misure("explain", small_network, picture, *OPTIONS, out, "--method", "rise", "--set", "masks=4").status == 0
    assert not (out / "sufficient_region.png").exists()
    assert Explanation.load(out).method.name == "rise"
