"""Volumes with nothing in them, and ground truths and channels that do not fit: refused by name."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import numpy.typing as npt
import pytest

from tests import tiny_models
from tests.cli.outcome import Run

SIZE = (9, 12, 14)
OPTIONS = ("--method", "sufficient_region", "--json")


def nifti(path: Path, voxels: npt.NDArray[Any]) -> Path:
    nibabel.save(nibabel.Nifti1Image(voxels, np.eye(4)), path)  # type: ignore[no-untyped-call]
    return path


def bright() -> npt.NDArray[np.float32]:
    voxels = np.zeros(SIZE, np.float32)
    voxels[2:5, 3:8, 4:9] = 1
    return voxels


EMPTY: dict[str, tuple[Callable[[], npt.NDArray[Any]], str]] = {
    "zeros": (lambda: np.zeros(SIZE, np.float32), "is empty: every voxel is 0"),
    "no voxel that is predicted": (lambda: bright() * 0.3, "there is nothing to explain"),
    "no slice": (lambda: np.zeros((*SIZE[:2], 0), np.float32), "is 9x12x0 voxels; at least 2 along each axis"),
    "one slice": (lambda: bright()[..., :1], "is 9x12x1 voxels; at least 2 along each axis"),
    "no channel": (lambda: np.zeros((*SIZE, 0), np.float32), "is 9x12x14x0 voxels"),
    "no numbers": (lambda: np.full(SIZE, np.nan, np.float32), "NaN or infinite"),
}


@pytest.mark.parametrize(("build", "words"), EMPTY.values(), ids=EMPTY.keys())
def test_a_volume_with_nothing_in_it_is_refused(
    build: Callable[[], npt.NDArray[Any]], words: str, misure: Run, tmp_path: Path
) -> None:
    model = tiny_models.bright_pixels(tmp_path / "m.onnx", size=SIZE)
    (tmp_path / "raw.yaml").write_text("scale: 1\n", encoding="utf-8")
    options = (*OPTIONS, "--preprocess", tmp_path / "raw.yaml", "--out", tmp_path / "out")
    misure("explain", model, nifti(tmp_path / "v.nii.gz", build()), *options).assert_refused(words)
    assert not (tmp_path / "out").exists()


def test_a_class_that_no_voxel_has_is_refused_with_those_that_are_there(misure: Run, tmp_path: Path) -> None:
    model = tiny_models.bright_pixels(tmp_path / "m.onnx", size=SIZE)
    (tmp_path / "raw.yaml").write_text("scale: 0.3\n", encoding="utf-8")
    scan = nifti(tmp_path / "v.nii.gz", bright())
    outcome = misure("explain", model, scan, *OPTIONS, "--preprocess", tmp_path / "raw.yaml", "--class", "1")
    outcome.assert_refused("class 1 is not predicted in this image", "class 0 (1,512 pixels)")


def test_a_ground_truth_of_another_size_is_refused_with_both(misure: Run, tmp_path: Path) -> None:
    model = tiny_models.bright_pixels(tmp_path / "m.onnx", size=SIZE)
    scan = nifti(tmp_path / "v.nii.gz", bright())
    truth = nifti(tmp_path / "t.nii.gz", np.ones((9, 12, 13), np.uint8))
    outcome = misure("explain", model, scan, *OPTIONS, "--metrics", "pointing_game", "--truth", truth)
    outcome.assert_refused("the ground truth is 9x12x13, the image 9x12x14", "pass a ground truth of the image's size")


def test_channels_that_do_not_fit_are_refused_with_both_numbers(misure: Run, tmp_path: Path) -> None:
    model = tiny_models.small_network(tmp_path / "m.onnx", size=SIZE, channels=3)
    scan = nifti(tmp_path / "v.nii.gz", np.stack([bright()] * 4, axis=3))
    outcome = misure("explain", model, scan, *OPTIONS)
    outcome.assert_refused("the model takes 3 channels, the volume has 4", "one file a channel")


def test_windows_slide_over_a_scan_larger_than_the_model_channel_by_channel(misure: Run, tmp_path: Path) -> None:
    """Two channels of which the network of one layer follows both; every window sees a part of the scan."""
    model = tiny_models.small_network(tmp_path / "m.onnx", size=(4, 6, 7), channels=2)
    voxels = np.random.default_rng(0).random((*SIZE, 2)).astype(np.float32)
    scan = nifti(tmp_path / "v.nii.gz", voxels)
    options = (
        "--method",
        "occlusion",
        "--set",
        "channels=each",
        "--set",
        "patch=5",
        "--set",
        "stride=5",
        "--window",
        "0.25",
    )
    outcome = misure("explain", model, scan, *options, "--json", "--out", tmp_path / "out")
    document = outcome.document()
    assert [channel["share"] > 0.05 for channel in document["channels"]["channels"]] == [True, True]
    assert any("windows of 4x6x7, 25% overlap" in note for note in document["provenance"]["notes"])
    saved: Any = nibabel.load(tmp_path / "out" / "saliency.nii.gz")
    assert saved.shape == SIZE
    misure("explain", model, scan, "--json").assert_refused("takes 4x6x7 voxels", "--crop", "--window")


def test_a_method_that_does_not_serve_volumes_names_those_that_do(misure: Run, tmp_path: Path) -> None:
    model = tiny_models.small_network(tmp_path / "m.onnx", size=SIZE, channels=1)
    outcome = misure("explain", model, nifti(tmp_path / "v.nii.gz", bright()), "--method", "score_cam", "--json")
    outcome.assert_refused(
        "score_cam explains models that take images", "for volumes take", "misure", "rise", "smooth_grad"
    )
