"""Parity: a file that gives something else is refused, and nothing of it is left; what variants keep is counted."""

import json
from pathlib import Path

import numpy as np
import pytest
from onnx import helper

from exporters.export import export
from exporters.metadata import completed, write_metadata
from exporters.parity import Agreement, ParityError
from exporters.source import Source
from exporters.variants import kept, write_variant
from misure_onnx.api import load_segmenter
from misure_onnx.errors import InputError
from misure_onnx.preprocessing import PRESETS, Preprocessing
from misure_onnx.scores import Head
from misure_onnx.types import AnyArray, Images
from tests.tiny_models import SIZE, mixing, pointwise, pointwise_logits, save_model, small_network

CLASSES = 5


def source(error: float = 0.0, ending: str = "logits", output_layout: str = "NCHW") -> Source:
    """The tiny model of single pixels, once as a file and once in numpy, which may be wrong by a share."""

    def predict(images: Images) -> AnyArray:
        scores = pointwise_logits(images.astype(np.float64)) * (1 + error)
        if ending == "argmax":
            return np.asarray(scores.argmax(axis=1))
        return np.asarray(scores.transpose(0, 2, 3, 1) if output_layout == "NHWC" else scores)

    def write(path: Path) -> None:
        pointwise(path, ending=ending, output_layout="NHW" if ending == "argmax" else output_layout)

    return Source(PRESETS["unit"], 3, predict, write)


@pytest.mark.parametrize(("ending", "layout"), [("logits", "NCHW"), ("logits", "NHWC"), ("argmax", "NCHW")])
def test_a_right_file_is_written_with_its_report(ending: str, layout: str, tmp_path: Path) -> None:
    export(source(ending=ending, output_layout=layout), tmp_path / "model.onnx")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model.onnx", "model.parity.json"]
    report = json.loads((tmp_path / "model.parity.json").read_text(encoding="utf-8"))
    for inputs in ("random", "real"):
        assert report["parity"][inputs]["largest_deviation"] < 1e-6 or ending == "argmax"
        assert report["parity"][inputs]["same_class"] >= 0.999
    assert report["parity"]["tolerance"] == (
        {"same_class": 0.999} if ending == "argmax" else {"largest_deviation": 1e-4}
    )


def test_a_wrong_file_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ParityError, match=r"deviates from its network on random inputs: largest deviation 9\.9"):
        export(source(error=1e-3), tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())


def test_a_file_that_mixes_its_images_is_said_to(tmp_path: Path) -> None:
    def network(images: Images) -> AnyArray:
        centred = images.astype(np.float64) - images.mean(axis=(1, 2, 3), keepdims=True, dtype=np.float64)
        return np.asarray(pointwise_logits(centred))

    def write(path: Path) -> None:
        mixing(path, "mean")

    mixed = Source(PRESETS["unit"], 3, network, write)
    report = export(mixed, tmp_path / "model.onnx")
    assert report["parity"]["several_images"].startswith("mixed")


def test_deviation_is_a_share_of_the_largest_score() -> None:
    expected = np.array([-8.0, 1.0, 2.0, 0.5], np.float32).reshape(1, 2, 1, 2)
    found = expected + np.array([0.0, 0.0, 0.0, 0.6], np.float32).reshape(1, 2, 1, 2)
    agreement = Agreement.of([(found, expected)], Head("logits"))
    assert agreement.largest_deviation == pytest.approx(0.6 / 8)
    assert agreement.same_class == 0.5


def test_what_a_variant_keeps_is_counted_by_hand() -> None:
    """Four pixels, classes 0 0 1 1 and then 0 1 1 1: Dice 2/3 of class 0 and 4/5 of class 1; class 2 is nowhere."""
    original = np.eye(3, dtype=np.float32)[[0, 0, 1, 1]].T.reshape(1, 3, 1, 4)
    variant = np.eye(3, dtype=np.float32)[[0, 1, 1, 1]].T.reshape(1, 3, 1, 4)
    found = kept([(variant, original)], Head("softmax"))
    assert found["dice"] == pytest.approx((2 / 3 + 4 / 5) / 2)
    assert found["smallest_dice"] == pytest.approx(2 / 3)
    assert found["same_class"] == 0.75


@pytest.mark.parametrize(("name", "dice"), [("float16", 0.99), ("int8", 0.8)])
def test_variants_keep_the_metadata_and_most_of_the_prediction(name: str, dice: float, tmp_path: Path) -> None:
    path, out = small_network(tmp_path / "model.onnx"), tmp_path / "variant.onnx"
    declared = completed(Preprocessing(1 / 255, class_names=("a", "b", "c", "d"), licence="CC0-1.0"), path)
    write_metadata(path, declared)
    images = np.random.default_rng(0).random((1, 3, *SIZE), np.float32)
    record = write_variant(name, path, out, {"noise": images})
    assert load_segmenter(out, provider="cpu").spec.preprocessing == declared
    assert record["real"]["dice"] > dice
    assert 0 < record["real"]["largest_deviation"] < 0.3


def test_metadata_state_what_the_library_found(tmp_path: Path) -> None:
    path = pointwise(tmp_path / "model.onnx", ending="softmax", output_layout="NHWC")
    declared = completed(PRESETS["unit"], path)
    assert (declared.output, declared.output_layout, declared.layout) == ("softmax", "NHWC", "NCHW")
    assert (declared.head, declared.size) == ("scores", SIZE)


def test_trees_have_no_variants(tmp_path: Path) -> None:
    pytest.importorskip("skl2onnx")
    from tests.pixel_forest import export_forest  # noqa: PLC0415 - needs skl2onnx

    path = export_forest(tmp_path / "forest.onnx", "probabilities")
    with pytest.raises(InputError, match="int8 is for networks"):
        write_variant("int8", path, tmp_path / "variant.onnx", {})


def test_two_resizes_by_the_same_scales_become_float16(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Resize", ["image", "", "scales"], ["larger"], mode="linear"),
        helper.make_node("Resize", ["larger", "", "scales"], ["scores"], mode="linear"),
    ]
    scales = {"scales": np.array([1, 1, 1.5, 1.5], np.float32)}
    path = save_model(tmp_path / "model.onnx", nodes, input_shape=["N", 3, *SIZE], constants=scales)
    write_metadata(path, Preprocessing(1 / 255, output="logits"))
    images = np.random.default_rng(0).random((1, 3, *SIZE), np.float32)
    record = write_variant("float16", path, tmp_path / "variant.onnx", {"noise": images})
    assert record["real"]["largest_deviation"] < 2e-3
