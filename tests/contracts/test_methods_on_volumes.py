"""What every method does with volumes, without being told; and answers that are known by hand."""

from pathlib import Path

import nibabel
import numpy as np
import numpy.typing as npt
import pytest

from misure_onnx.api import load_segmenter, make_method, make_metrics
from misure_onnx.cli import main
from misure_onnx.errors import ImageError, ParameterError, TargetError
from misure_onnx.explanation import Explanation
from misure_onnx.methods import METHODS
from misure_onnx.target import Target
from tests.contracts.test_methods import quick
from tests.tiny_models import bright_pixels, key_region, small_network, uniform

SIZE = (9, 12, 14)
VOXELS = np.random.default_rng(3).random((*SIZE, 2)).astype(np.float32)
AFFINE = np.array([[-2.0, 0, 0, 30], [0, 0, 3.0, -20], [0, -1.5, 0, 10], [0, 0, 0, 1]])

every_method = pytest.mark.parametrize("name", [name for name, method in METHODS.items() if method.serves_volumes])


@every_method
def test_a_volume_is_explained_voxel_by_voxel(tmp_path: Path, name: str) -> None:
    segmenter = load_segmenter(small_network(tmp_path / "net.onnx", size=SIZE, channels=2), {})
    explanation = quick(name).explain(segmenter, VOXELS)
    assert explanation.saliency.shape == explanation.minimal_region.shape == SIZE
    assert explanation.saliency.dtype == np.float32
    assert np.isfinite(explanation.saliency).all()
    loaded = Explanation.load(explanation.save(tmp_path / "out"))
    assert np.array_equal(loaded.minimal_region, explanation.minimal_region)
    assert np.array_equal(loaded.saliency, explanation.saliency)
    assert loaded.to_json() == explanation.to_json()


@every_method
def test_the_reported_dice_is_that_of_the_deployed_model(tmp_path: Path, name: str) -> None:
    segmenter = load_segmenter(small_network(tmp_path / "net.onnx", size=SIZE, channels=2), {})
    explanation = quick(name).explain(segmenter, VOXELS)
    x = VOXELS.transpose(3, 0, 1, 2)[None]
    reference = segmenter.predict(x)[0].argmax(axis=0) == explanation.target.class_index
    found = segmenter.predict(x * explanation.minimal_region)[0].argmax(axis=0) == explanation.target.class_index
    dice = 2 * np.sum(found & reference) / (found.sum() + reference.sum())
    assert explanation.metrics.dice_explained == pytest.approx(dice, abs=1e-9)


@every_method
def test_a_model_that_ignores_the_volume_gets_a_constant_map(tmp_path: Path, name: str) -> None:
    if name == "random":
        pytest.skip("random voxels ignore the model too")
    segmenter = load_segmenter(uniform(tmp_path / "uniform.onnx", size=SIZE), {})
    explanation = quick(name).explain(segmenter, np.random.default_rng(0).random((*SIZE, 3)).astype(np.float32))
    assert np.ptp(explanation.saliency) < 1e-6


@pytest.mark.parametrize("name", [name for name, method in METHODS.items() if not method.serves_volumes])
def test_a_method_for_images_says_so_and_what_serves_volumes(tmp_path: Path, name: str) -> None:
    segmenter = load_segmenter(bright_pixels(tmp_path / "b.onnx", size=SIZE), {})
    serving = ", ".join(sorted(known for known, method in METHODS.items() if method.serves_volumes))
    with pytest.raises(ParameterError, match=f"for volumes take {serving}$"):
        quick(name).explain(segmenter, VOXELS[..., :1])


@pytest.mark.parametrize("route", ["onnx_gradient", "torch", "search", "finite_difference"])
def test_the_minimal_region_of_a_known_key_is_that_key(tmp_path: Path, route: str) -> None:
    """The object appears when the mean over 12 voxels inside it is above 0.5: with the key at 1, seven are enough."""
    part, key = np.zeros(SIZE, bool), np.zeros(SIZE, bool)
    part[2:7, 3:10, 3:11] = True
    key[3:5, 4:6, 4:7] = True
    segmenter = load_segmenter(key_region(tmp_path / "key.onnx", object_region=part, key=key), {})
    method = make_method("misure", "minimal", {"route": route, "iterations": "60", "second_run": "0"})
    explanation = method.explain(segmenter, (part | key)[..., None].astype(np.float32), Target.from_class(1))
    assert explanation.certificate.passed
    assert not (explanation.minimal_region & ~key).any()
    assert explanation.minimal_region.sum() == 7


def test_the_sufficient_region_of_a_point_model_is_the_object(tmp_path: Path) -> None:
    voxels = np.zeros((*SIZE, 1), np.float32)
    voxels[2:5, 3:7, 4:9] = 1
    segmenter = load_segmenter(bright_pixels(tmp_path / "b.onnx", size=SIZE), {"rescale": "min_max"})
    explanation = make_method("sufficient_region").explain(segmenter, voxels, Target.from_class(1))
    assert np.array_equal(explanation.minimal_region, voxels[..., 0] > 0)
    assert explanation.target.centroid_xy == (3.0, 4.5, 6.0)
    assert explanation.certificate.stability.jpeg is None


@pytest.mark.parametrize("axes", ["xyz", "zyx"])
def test_an_object_is_named_by_a_voxel_of_the_file_whatever_the_network_s_axes(tmp_path: Path, axes: str) -> None:
    voxels = np.zeros((*SIZE, 1), np.float32)
    voxels[1:3, 2:5, 1:4] = voxels[6:8, 7:11, 9:13] = 1
    size = SIZE if axes == "xyz" else SIZE[::-1]
    segmenter = load_segmenter(bright_pixels(tmp_path / "b.onnx", size=size), {"axes": axes})
    explanation = make_method("sufficient_region").explain(segmenter, voxels, Target.at(7, 8, 12))
    expected = np.zeros(SIZE, bool)
    expected[6:8, 7:11, 9:13] = True
    assert np.array_equal(explanation.prediction, expected)
    assert np.array_equal(explanation.minimal_region, expected)
    with pytest.raises(TargetError, match="lies outside the image, which is 9x12x14 voxels"):
        make_method("sufficient_region").explain(segmenter, voxels, Target.at(9, 0, 0))
    with pytest.raises(TargetError, match=r"expected a point of 3 coordinates .* got 1,2"):
        make_method("sufficient_region").explain(segmenter, voxels, Target.at(1, 2))


def test_every_metric_has_a_number_for_a_volume_and_its_ground_truth(tmp_path: Path) -> None:
    segmenter = load_segmenter(small_network(tmp_path / "net.onnx", size=SIZE, channels=2), {})
    truth = np.zeros(SIZE, np.uint8)
    truth[2:5, 3:9] = 1
    quick_ones = {"max_sensitivity.perturbations": "2", "manipulability.budget": "3", "pointing_game.tolerance": "1"}
    metrics = make_metrics("all", quick_ones, truth=True)
    explanation = quick("rise").explain(segmenter, VOXELS, metrics=metrics, truth=truth)
    for name, record in explanation.metrics.more.items():
        assert record.value is not None, name
        assert np.isfinite(record.value), name
    positive = np.clip(explanation.saliency, 0, None)
    share = positive[truth > 0].sum() / positive.sum()
    assert explanation.metrics.more["mass_in_truth"].value == pytest.approx(share, rel=1e-4)
    with pytest.raises(ImageError, match="the ground truth is 9x12x13, the image 9x12x14"):
        quick("rise").explain(segmenter, VOXELS, metrics=metrics, truth=truth[..., :-1])


def test_from_nifti_to_nifti_through_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    voxels = np.zeros((20, 21, 22), np.int16)
    voxels[5:8, 6:10, 7:12] = 900
    write(tmp_path / "scan.nii.gz", voxels)
    model = bright_pixels(tmp_path / "b.onnx", size=SIZE)
    (tmp_path / "p.yaml").write_text("rescale: min_max\n", encoding="utf-8")
    arguments = ["--preprocess", str(tmp_path / "p.yaml"), "--class", "1", "--method", "sufficient_region"]
    place = ["--crop", "3,4,5", "--out", str(tmp_path / "out")]
    assert main(["explain", str(model), str(tmp_path / "scan.nii.gz"), *arguments, *place]) == 0
    saved = nibabel.load(tmp_path / "out" / "minimal_region.nii.gz")
    assert np.array_equal(np.asarray(saved.dataobj) > 0, voxels[3:12, 4:16, 5:19] > 0)  # type: ignore[attr-defined]
    assert saved.affine @ [0, 0, 0, 1] == pytest.approx(AFFINE @ [3, 4, 5, 1])  # type: ignore[attr-defined]
    capsys.readouterr()
    assert main(["explain", str(model), str(tmp_path / "scan.nii.gz"), *arguments]) == 2
    assert "--crop" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["scan.png"], "the model takes volumes"),
        (["scan.nii", "--crop", "1,2"], "--crop"),
        (["scan.nii", "--crop", "99,0,0"], "does not lie inside"),
        (["scan.nii,scan.nii", "--crop", "0,0,0"], "takes 1 channels, the volume has 2"),
        (["scan.nii,other.nii", "--crop", "0,0,0"], "not on the same grid"),
        (["missing.nii"], "no existing file"),
    ],
)
def test_bad_volumes_are_refused_without_a_traceback(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    message: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from PIL import Image  # noqa: PLC0415 - only here

    monkeypatch.chdir(tmp_path)
    bright_pixels(tmp_path / "b.onnx", size=SIZE)
    write(tmp_path / "scan.nii", np.ones((20, 21, 22), np.int16))
    write(tmp_path / "other.nii", np.ones((19, 21, 22), np.int16))
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(tmp_path / "scan.png")
    assert main(["explain", "b.onnx", *arguments]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert "Traceback" not in error


def write(path: Path, voxels: npt.NDArray[np.generic]) -> None:
    nibabel.save(nibabel.Nifti1Image(voxels, AFFINE), path)  # type: ignore[no-untyped-call]
