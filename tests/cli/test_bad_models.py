"""Model files that cannot be explained: status 2, one message, nothing written."""

from pathlib import Path

import cv2
import pytest

from tests import tiny_models
from tests.cli.bad_models import BAD_MODELS, Builder, nan_when_masked, stops_when_masked
from tests.cli.outcome import Run


@pytest.mark.parametrize(("build", "words"), BAD_MODELS.values(), ids=BAD_MODELS.keys())
def test_a_bad_model_is_refused(
    build: Builder, words: tuple[str, ...], misure: Run, picture: Path, tmp_path: Path
) -> None:
    folder, out = tmp_path / "models", tmp_path / "out"
    folder.mkdir()
    options = ("--method", "sufficient_region", "--preprocess", "unit", "--json", "--out", out)
    misure("explain", build(folder), picture, *options).assert_refused(*words)
    assert not out.exists()


@pytest.mark.parametrize(("build", "words"), BAD_MODELS.values(), ids=BAD_MODELS.keys())
def test_inspect_refuses_it_in_the_same_words(
    build: Builder, words: tuple[str, ...], misure: Run, tmp_path: Path
) -> None:
    misure("inspect", build(tmp_path), "--preprocess", "unit", "--json").assert_refused(*words)


@pytest.mark.parametrize("method", ["sufficient_region", "rise"])
def test_a_model_that_gives_nan_on_masked_pictures_only_is_refused(method: str, misure: Run, tmp_path: Path) -> None:
    picture, out = tmp_path / "picture.png", tmp_path / "out"
    cv2.imwrite(str(picture), (tiny_models.disc_image() // 2 + 120).clip(0, 255))
    model = nan_when_masked(tmp_path)
    outcome = misure("explain", model, picture, "--preprocess", "unit", "--method", method, "--json", "--out", out)
    outcome.assert_refused("expected finite scores, got NaN")
    assert not out.exists()


@pytest.mark.parametrize("method", ["sufficient_region", "rise", "misure"])
def test_a_runtime_that_stops_in_the_middle_leaves_nothing_half_written(
    method: str, misure: Run, tmp_path: Path
) -> None:
    picture, out = tmp_path / "picture.png", tmp_path / "out"
    cv2.imwrite(str(picture), (tiny_models.disc_image() // 2 + 120).clip(0, 255))
    model = stops_when_masked(tmp_path)
    good = tiny_models.bright_pixels(tmp_path / "good.onnx")
    misure("explain", good, picture, "--preprocess", "unit", "--method", "predicted_mask", "--out", tmp_path / "kept")
    before = {path: path.read_bytes() for path in (tmp_path / "kept").iterdir()}
    for place in (out, tmp_path / "kept"):
        outcome = misure(
            "explain", model, picture, "--preprocess", "unit", "--method", method, "--json", "--out", place
        )
        outcome.assert_refused("ONNX Runtime could not run model.onnx")
    assert not out.exists()
    assert before == {path: path.read_bytes() for path in (tmp_path / "kept").iterdir()}
