"""From names, paths and texts to objects."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from misure_onnx.api import every_object, load_segmenter, make_method, make_methods
from misure_onnx.backends.onnx_runtime import OnnxRuntimeSegmenter
from misure_onnx.backends.open_inference import RemoteOptions
from misure_onnx.backends.python_function import PythonFunctionSegmenter
from misure_onnx.errors import InputError, ModelError, ParameterError, PreprocessingError, TargetError
from misure_onnx.methods import METHODS
from misure_onnx.methods.misure import MiSuRe
from misure_onnx.methods.predicted_mask import PredictedMask
from misure_onnx.methods.random_mask import RandomMask
from misure_onnx.methods.rise import Rise
from misure_onnx.methods.sufficient_region import SufficientRegion
from misure_onnx.preprocessing import PRESETS, Preprocessing
from misure_onnx.types import Images, Scores
from tests.backends.open_inference.small_server import SmallServer
from tests.tiny_models import disc_image

FUNCTION: dict[str, Any] = {"size": [20, 24], "output": "sigmoid_logits", "color": "GRAY"}


def bright(images: Images) -> Scores:
    return images - np.float32(127)


# Segmenters


@pytest.mark.parametrize("convert", [str, Path])
def test_a_file_is_run_by_onnx_runtime(bright_pixels: Path, convert: type[str | Path]) -> None:
    segmenter = load_segmenter(convert(bright_pixels), "unit", provider="cpu")
    assert isinstance(segmenter, OnnxRuntimeSegmenter)
    assert segmenter.spec.preprocessing is PRESETS["unit"]


def test_preprocessing_comes_as_preset_mapping_file_or_object(bright_pixels: Path, tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("scale: 0.5\n", encoding="utf-8")
    declared = Preprocessing(scale=0.5)
    for given in ({"scale": 0.5}, file, str(file), declared):
        assert load_segmenter(bright_pixels, given).spec.preprocessing == declared


def test_a_function_is_a_black_box() -> None:
    assert isinstance(load_segmenter(bright, FUNCTION), PythonFunctionSegmenter)


def test_a_function_needs_a_declaration() -> None:
    with pytest.raises(InputError, match="needs a declared preprocessing with at least 'size' and 'output'"):
        load_segmenter(bright)
    with pytest.raises(PreprocessingError, match="declare 'size'"):
        load_segmenter(bright, "unit")


def test_a_function_has_no_provider() -> None:
    with pytest.raises(InputError, match="provider 'cpu' was asked for; a Python function"):
        load_segmenter(bright, FUNCTION, provider="cpu")


def test_an_address_is_asked(small_network: Path) -> None:
    with SmallServer(small_network).running() as server:
        segmenter = load_segmenter(server.address, "unit", remote=RemoteOptions(timeout=20))
        assert segmenter.identity.server is not None
        with pytest.raises(InputError, match="a server chooses its own"):
            load_segmenter(server.address, "unit", provider="cpu")


def test_options_of_a_server_are_for_servers(small_network: Path) -> None:
    with pytest.raises(InputError, match="options of a server were given, but the model is a file"):
        load_segmenter(small_network, "unit", remote=RemoteOptions())
    with pytest.raises(InputError, match="but the model is a function"):
        load_segmenter(bright, FUNCTION, remote=RemoteOptions())


def test_a_file_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no existing file"):
        load_segmenter(tmp_path / "nothing.onnx")


# Objects


def two_discs() -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """A disc of 81 pixels, one of 5, and a single pixel."""
    image = disc_image()
    image[0, 1:4] = image[1, 2:4] = image[19, 23] = 255
    return image


def test_every_object_of_an_image_is_a_target(bright_pixels: Path) -> None:
    segmenter = load_segmenter(bright_pixels, "unit")
    sizes = [int((disc_image() > 0).sum()), 5, 1]
    assert [int(t.region.sum()) for t in every_object(segmenter, two_discs(), min_pixels=1)] == sizes
    assert [int(t.region.sum()) for t in every_object(segmenter, two_discs(), 1, min_pixels=2)] == sizes[:2]
    assert [int(t.region.sum()) for t in every_object(segmenter, two_discs())] == sizes[:1]
    for target in every_object(segmenter, two_discs(), min_pixels=1):
        explanation = PredictedMask().explain(segmenter, two_discs(), target)
        assert explanation.metrics.dice_explained == 1
        assert explanation.target.kind == "instance"
        assert explanation.target.pixels == target.region.sum()


def test_an_image_without_objects_is_refused(bright_pixels: Path) -> None:
    segmenter = load_segmenter(bright_pixels, "unit")
    with pytest.raises(TargetError, match=r"no object of 16 pixels or more; predicted: class 0 \(480 pixels\)"):
        every_object(segmenter, np.zeros((20, 24), np.uint8))


# Methods


@pytest.mark.parametrize("name", METHODS)
def test_every_method_is_made_by_its_name(name: str) -> None:
    method = make_method(name)
    assert type(method) is METHODS[name]
    assert method.name == name
    assert method == METHODS[name]()


@pytest.mark.parametrize(
    ("name", "settings", "expected"),
    [
        ("misure", {"tau": "0.95", "iterations": "7"}, MiSuRe(0.95, iterations=7)),
        ("misure", {"constrained": "False"}, MiSuRe(constrained=False)),
        ("misure", {"constrained": "TRUE", "loss": "cross_entropy"}, MiSuRe(loss="cross_entropy")),
        ("rise", {"masks": "10", "keep": "5e-1", "upsampling": "nearest"}, Rise(masks=10, upsampling="nearest")),
        ("sufficient_region", {"tau": "0", "baseline": "blur"}, SufficientRegion(0, "blur")),
        ("random", {"ratio": "2"}, RandomMask(2)),
    ],
)
def test_parameters_are_read_from_text(name: str, settings: dict[str, str], expected: object) -> None:
    assert make_method(name, settings=settings) == expected


@pytest.mark.parametrize(("name", "preset"), [(name, preset) for name in METHODS for preset in METHODS[name].PRESETS])
def test_a_preset_is_made_by_its_name_and_known_again(name: str, preset: str) -> None:
    method = make_method(name, preset)
    assert method.preset() == preset
    assert {key: method.parameters()[key] for key in METHODS[name].PRESETS[preset]} == METHODS[name].PRESETS[preset]


def test_settings_go_before_the_preset() -> None:
    method = make_method("misure", "paper", {"mask_size": "64"})
    assert method.parameters()["mask_size"] == 64
    assert method.parameters()["clamp_below"] == 0.2
    assert method.preset() is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("grad_cam",), "method 'grad_cam' is unknown; the known ones are misure, sufficient_region, rise, "),
        (("misure", "best"), "misure has no preset 'best'; its presets: smooth, minimal, robust, paper"),
        (("predicted_mask", "paper"), "predicted_mask has no preset 'paper'; its presets: none"),
        (("rise", None, {"tau": "1"}), "rise has no parameter tau; its parameters: masks, cells, keep"),
        (("rise", None, {"masks": "many"}), "masks must be a whole number, got 'many'"),
        (("rise", None, {"masks": "1.5"}), "masks must be a whole number, got '1.5'"),
        (("rise", None, {"keep": "half"}), "keep must be a number, got 'half'"),
        (("rise", None, {"keep": "nan"}), "keep must be finite, got 'nan'"),
        (("rise", None, {"debias": "yes"}), "debias must be true or false, got 'yes'"),
        (("rise", None, {"keep": "1.5"}), "keep must lie between 0 and 1, got 1.5"),
        (("rise", None, {"upsampling": "cubic"}), "upsampling must be nearest or linear, got cubic"),
    ],
)
def test_an_unknown_name_or_a_bad_value_is_refused(arguments: tuple[Any, ...], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        make_method(*arguments)


def test_of_several_methods_each_gets_what_it_has() -> None:
    misure, rise, yardstick = make_methods(
        ["misure", "rise", "predicted_mask"], "paper", {"tau": "0.8", "masks": "50", "baseline": "mean"}
    )
    assert misure == MiSuRe.from_preset("paper", tau=0.8, baseline="mean")
    assert rise == Rise.from_preset("paper", masks=50, baseline="mean")
    assert yardstick == PredictedMask()


def test_a_preset_of_one_method_leaves_the_others_at_their_defaults() -> None:
    assert make_methods(["misure", "sufficient_region"], "minimal", {}) == [
        MiSuRe.from_preset("minimal"),
        SufficientRegion(),
    ]


@pytest.mark.parametrize(
    ("names", "preset", "settings", "message"),
    [
        (["rise", "lemon"], None, {}, "method 'lemon' is unknown"),
        (["rise", "misure"], "best", {}, "no chosen method has a preset 'best'; theirs are default, minimal, paper, "),
        (["random"], "paper", {}, "theirs are none"),
        (["rise", "random"], None, {"tau": "0.5"}, "no chosen method has a parameter 'tau'; theirs are .*ratio"),
        (["rise", "random", "rise"], None, {}, "every method can be chosen once"),
    ],
)
def test_what_none_of_several_methods_has_is_refused(
    names: list[str], preset: str | None, settings: dict[str, str], message: str
) -> None:
    with pytest.raises(ParameterError, match=message):
        make_methods(names, preset, settings)
