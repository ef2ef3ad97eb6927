"""Model files that cannot be explained: status 2, one message, nothing written."""

from pathlib import Path

import cv2
import pytest

from tests import tiny_models
from tests.cli.bad_models import BAD_MODELS, Builder, nan_when_masked
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
