"""Pictures and masks that cannot be used: status 2, one message, nothing written."""

import re
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests import tiny_models
from tests.cli.outcome import Run
from tests.test_refused_images import REFUSED

OPTIONS = ("--method", "sufficient_region", "--preprocess", "unit", "--json")


@pytest.mark.parametrize(("build", "words"), REFUSED.values(), ids=REFUSED.keys())
def test_a_bad_image_is_refused(
    build: Callable[[Path], Path], words: str, misure: Run, small_network: Path, tmp_path: Path
) -> None:
    folder, out = tmp_path / "images", tmp_path / "out"
    folder.mkdir()
    outcome = misure("explain", small_network, build(folder), *OPTIONS, "--out", out)
    outcome.assert_refused("image ")
    assert re.search(words, outcome.err)
    assert not out.exists()


@pytest.mark.parametrize(("build", "words"), REFUSED.values(), ids=REFUSED.keys())
def test_a_bad_mask_is_refused(
    build: Callable[[Path], Path], words: str, misure: Run, small_network: Path, tmp_path: Path
) -> None:
    picture, folder = tmp_path / "picture.png", tmp_path / "images"
    cv2.imwrite(str(picture), tiny_models.noise_image())
    folder.mkdir()
    outcome = misure("explain", small_network, picture, *OPTIONS, "--mask", build(folder))
    outcome.assert_refused()
    assert re.search(words, outcome.err)


def test_inspect_refuses_a_bad_image(misure: Run, small_network: Path, tmp_path: Path) -> None:
    misure("inspect", small_network, tmp_path / "nowhere.png", "--json").assert_refused("is no existing file")


def test_a_model_in_the_place_of_the_image_is_refused(misure: Run, small_network: Path, picture: Path) -> None:
    misure("explain", picture, small_network, *OPTIONS).assert_refused("image", "cannot be read; expected", "PNG, JPEG")


@pytest.mark.parametrize("option", [(), ("--class", "1")])
def test_an_empty_mask_is_refused(option: tuple[str, ...], misure: Run, bright_pixels: Path, tmp_path: Path) -> None:
    picture, mask = tmp_path / "disc.png", tmp_path / "mask.png"
    cv2.imwrite(str(picture), tiny_models.disc_image())
    cv2.imwrite(str(mask), np.zeros(tiny_models.SIZE, np.uint8))
    misure("explain", bright_pixels, picture, *OPTIONS, "--mask", mask, *option).assert_refused("inside", "mask")


def test_a_mask_beside_the_object_is_refused(misure: Run, bright_pixels: Path, tmp_path: Path) -> None:
    picture, mask = tmp_path / "disc.png", tmp_path / "mask.png"
    cv2.imwrite(str(picture), tiny_models.disc_image())
    corner = np.zeros(tiny_models.SIZE, np.uint8)
    corner[:3, :3] = 255
    cv2.imwrite(str(mask), corner)
    outcome = misure("explain", bright_pixels, picture, *OPTIONS, "--mask", mask, "--class", "1")
    outcome.assert_refused(
        "class 1 is not predicted inside the target mask", "class 0 (399 pixels)", "class 1 (81 pixels)"
    )


@pytest.mark.parametrize("values", [(0, 255), (0, 1)])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_mask_is_what_is_not_black(
    dtype: type[np.generic], values: tuple[int, int], misure: Run, bright_pixels: Path, tmp_path: Path
) -> None:
    picture, mask = tmp_path / "disc.png", tmp_path / "mask.png"
    disc = tiny_models.disc_image()
    cv2.imwrite(str(picture), disc)
    left = np.full(disc.shape, values[0], dtype)
    left[:, :12] = values[1]
    cv2.imwrite(str(mask), left)
    target = misure("explain", bright_pixels, picture, *OPTIONS, "--mask", mask, "--class", "1").document()["target"]
    assert target["kind"] == "region"
    assert target["pixels"] == int((disc[:, :12] > 0).sum())


def test_a_mask_of_another_size_is_refused(misure: Run, small_network: Path, picture: Path, tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "mask.png"), np.full((30, 40), 255, np.uint8))
    outcome = misure("explain", small_network, picture, *OPTIONS, "--mask", tmp_path / "mask.png")
    outcome.assert_refused("the target mask is 40x30, the image 24x20", "pass a mask of the image's size")


def test_a_grey_image_for_a_colour_model_and_the_reverse_are_fine(
    misure: Run, small_network: Path, bright_pixels: Path, picture: Path, tmp_path: Path
) -> None:
    grey = tmp_path / "grey.png"
    cv2.imwrite(str(grey), tiny_models.disc_image())
    assert misure("explain", small_network, grey, *OPTIONS).document()["schema"]
    assert misure("explain", bright_pixels, picture, *OPTIONS).document()["schema"]


def test_other_numbers_of_channels_are_refused(misure: Run, picture: Path, tmp_path: Path) -> None:
    model = tiny_models.pointwise(tmp_path / "five.onnx", channels=5, size=(40, 48))
    outcome = misure("explain", model, picture, *OPTIONS, "--out", tmp_path / "out")
    outcome.assert_refused("the model takes 5 channels, the image has 3")
    assert not (tmp_path / "out").exists()
