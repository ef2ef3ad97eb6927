"""GeoTIFF on the command line: any number of bands, which of them counts, and results that lie on the map."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile
from onnx import helper

from misure_onnx.explanation import Explanation
from misure_onnx.images import load_image
from tests import tiny_models
from tests.cli.outcome import Run
from tests.geotiff_files import GEOREFERENCE, write

SIZE, BANDS, THE_BAND = (20, 24), 5, 3
REFLECTANCE = "scale: 0.0001\n"


def fourth_band(path: Path) -> Path:
    """Class 1 exactly where the fourth of five bands is above 0.5."""
    weights = np.zeros((1, BANDS, 1, 1), np.float32)
    weights[0, THE_BAND] = 1
    nodes = [
        helper.make_node("Conv", ["image", "weights"], ["band"]),
        helper.make_node("Sub", ["band", "half"], ["above"]),
        helper.make_node("Neg", ["above"], ["below"]),
        helper.make_node("Concat", ["below", "above"], ["scores"], axis=1),
    ]
    constants: dict[str, tiny_models.Array] = {"weights": weights, "half": np.array(0.5, np.float32)}
    return tiny_models.save_model(path, nodes, input_shape=["N", BANDS, *SIZE], constants=constants)


@pytest.fixture
def scene(tmp_path: Path) -> tuple[str | Path, ...]:
    """A model, reflectances times 10,000 in five bands, and how they reach the model."""
    pixels = np.random.default_rng(0).integers(0, 4000, (*SIZE, BANDS)).astype(np.uint16)
    pixels[5:12, 6:14, THE_BAND] = 9000
    declared = tmp_path / "reflectance.yaml"
    declared.write_text(REFLECTANCE, encoding="utf-8")
    picture = write(tmp_path / "scene.tif", pixels, interleaving="separate", tile=16)
    return fourth_band(tmp_path / "fourth.onnx"), picture, "--preprocess", declared


def test_results_lie_where_the_scene_lies(misure: Run, scene: tuple[str | Path, ...], tmp_path: Path) -> None:
    out = tmp_path / "out"
    document = misure("explain", *scene, "--method", "sufficient_region", "--json", "--out", out).document()
    assert document["target"]["pixels"] == 7 * 8
    assert document["certificate"]["stability"]["jpeg"] is None
    for name in ("saliency", "prediction", "sufficient_region", "minimal_region"):
        with tifffile.TiffFile(out / f"{name}.tif") as file:
            page = file.pages.first
            assert page.asarray().shape == SIZE
            for code, _, _, values, _ in GEOREFERENCE:
                assert page.tags[code].value == values
            if name != "saliency":
                assert np.array_equal(page.asarray() > 0, load_image(out / f"{name}.png").pixels[..., 0] > 0)
    loaded = Explanation.load(out)
    assert np.array_equal(loaded.saliency, tifffile.imread(out / "saliency.tif"))
    assert loaded.save(tmp_path / "again").joinpath("saliency.tif").read_bytes() == (out / "saliency.tif").read_bytes()


def test_a_result_without_a_place_leaves_none_of_an_earlier_one(
    misure: Run, scene: tuple[str | Path, ...], bright_pixels: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    assert misure("explain", *scene, "--method", "random", "--out", out).status == 0
    cv2.imwrite(str(tmp_path / "disc.png"), tiny_models.disc_image())
    options = ("--preprocess", "unit", "--method", "random", "--out", out)
    assert misure("explain", bright_pixels, tmp_path / "disc.png", *options).status == 0
    assert not list(out.glob("*.tif"))
    assert Explanation.load(out).georeference is None


def test_ablation_band_by_band_says_which_one_counts(
    misure: Run, scene: tuple[str | Path, ...], tmp_path: Path
) -> None:
    parameters = ("--set", "channels=each", "--set", "patch=5", "--set", "value=dice")
    options = ("--method", "occlusion", *parameters, "--out", tmp_path / "out")
    outcome = misure("explain", *scene, *options, "--json")
    shares = [channel["share"] for channel in outcome.document()["channels"]["channels"]]
    assert shares == pytest.approx([0, 0, 0, 1, 0])
    drops = Explanation.load(tmp_path / "out").trace["channel_drop"]
    assert drops == [0, 0, 0, 1, 0]
    maps = tifffile.imread(tmp_path / "out" / "channels.tif")
    assert maps.shape == (BANDS, *SIZE)
    assert np.array_equal(maps, np.load(tmp_path / "out" / "channels.npy"))
    assert "occlusion, loss of dice" in misure("explain", *scene, *options).out


@pytest.mark.parametrize("method", ["misure", "smooth_grad", "rise", "kernel_shap"])
def test_every_kind_of_method_takes_bands(method: str, misure: Run, scene: tuple[str | Path, ...]) -> None:
    quick = {"misure": "iterations=5", "smooth_grad": "samples=2", "rise": "masks=8", "kernel_shap": "features=8"}
    document = misure("explain", *scene, "--method", method, "--set", quick[method], "--json").document()
    assert document["target"]["pixels"] == 7 * 8


def test_windows_slide_over_a_scene_larger_than_the_model(misure: Run, tmp_path: Path) -> None:
    """A model of two channels, and an image larger than it along both axes."""
    pixels = np.zeros((31, 40, 2), np.float32)
    pixels[4:20, 10:33, 0] = 1
    size = (12, 16)
    model = two_channels(tmp_path / "two.onnx", size)
    declared = tmp_path / "raw.yaml"
    declared.write_text("scale: 1\n", encoding="utf-8")
    picture = write(tmp_path / "scene.tif", pixels)
    arguments = ("explain", model, picture, "--preprocess", declared, "--window", "0.5", "--json")
    document = misure(*arguments, "--method", "sufficient_region", "--out", tmp_path / "out").document()
    assert document["target"]["pixels"] == 16 * 23
    assert tifffile.imread(tmp_path / "out" / "minimal_region.tif").shape == (31, 40)
    shares = misure(*arguments, "--method", "occlusion", "--set", "channels=each").document()["channels"]["channels"]
    assert [channel["share"] for channel in shares] == pytest.approx([1, 0])


def two_channels(path: Path, size: tuple[int, int]) -> Path:
    """Class 1 where the first channel minus half the second is above 0.5."""
    weights = np.array([1, -0.5], np.float32).reshape(1, 2, 1, 1)
    nodes = [
        helper.make_node("Conv", ["image", "weights"], ["difference"]),
        helper.make_node("Sub", ["difference", "half"], ["above"]),
        helper.make_node("Neg", ["above"], ["below"]),
        helper.make_node("Concat", ["below", "above"], ["scores"], axis=1),
    ]
    constants: dict[str, tiny_models.Array] = {"weights": weights, "half": np.array(0.5, np.float32)}
    return tiny_models.save_model(path, nodes, input_shape=["N", 2, *size], constants=constants)


def test_other_numbers_of_bands_are_refused(misure: Run, small_network: Path, tmp_path: Path) -> None:
    picture = write(tmp_path / "scene.tif", np.zeros((*SIZE, 4), np.uint8))
    outcome = misure("explain", small_network, picture, "--preprocess", "unit", "--json", "--out", tmp_path / "out")
    outcome.assert_refused("the model takes 3 channels, the image has 4")
    assert not (tmp_path / "out").exists()


def test_a_preset_for_photographs_is_refused_for_reflectances(misure: Run, scene: tuple[str | Path, ...]) -> None:
    model, picture, *_ = scene
    misure("explain", model, picture, "--json").assert_refused(
        "measurements from", "'unit' is for pixels from 0 to 255"
    )
