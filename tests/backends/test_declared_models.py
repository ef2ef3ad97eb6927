"""What is declared about an ONNX file, by its user or inside it, and what the ONNX Runtime segmenter makes of it."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto

from misure_onnx.errors import PreprocessingError, UnsupportedModel
from misure_onnx.images import load_image
from misure_onnx.preprocessing import METADATA_KEY, PRESETS, load_preprocessing
from tests.backends.test_onnx_runtime import NAMES, H, W, expected, load, random_images
from tests.tiny_models import (
    pointwise,
    two_heads,
)


def test_of_several_heads_the_first_segmentation_is_explained_and_that_is_said(tmp_path: Path) -> None:
    segmenter = load(two_heads(tmp_path / "m.onnx"))
    assert segmenter.output.name == "main"
    assert segmenter.identity.notes == (
        "the model has several heads: 'main' is explained; declare 'head' for auxiliary",
    )
    assert segmenter.predict(random_images()) == pytest.approx(expected(random_images()), abs=1e-4)


def test_a_declared_head_is_explained(tmp_path: Path) -> None:
    segmenter = load(two_heads(tmp_path / "m.onnx"), {"scale": 1 / 255, "head": "auxiliary"})
    assert segmenter.identity.notes == ()
    assert segmenter.predict(random_images()) == pytest.approx(-expected(random_images()), abs=1e-4)


@pytest.mark.parametrize(
    ("head", "error", "message"),
    [
        ("decoder", PreprocessingError, r"no output 'decoder'; its outputs are pooled .*, main \[1, 5, 20, 24\]"),
        ("pooled", UnsupportedModel, r"no output is a segmentation of 1 images 20x24: pooled \[1, 5\]"),
    ],
)
def test_a_head_that_cannot_be_explained_is_refused(
    tmp_path: Path, head: str, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        load(two_heads(tmp_path / "m.onnx"), {"head": head})


@pytest.mark.parametrize(
    ("declared", "field", "value"),
    [
        ({"output": "sigmoid_logits", "threshold": 0.7}, "head", ("sigmoid_logits", 0.7)),
        ({"output_layout": "NHWC"}, "classes", W),
        ({"layout": "NCHW"}, "channels", 3),
        ({"size": [20, 24]}, "size", (20, 24)),
        ({"batch": 2}, "batch_size", 2),
        ({"class_names": list(NAMES)}, "class_names", NAMES),
    ],
)
def test_every_field_can_be_declared(tmp_path: Path, declared: dict[str, Any], field: str, value: object) -> None:
    spec = load(pointwise(tmp_path / "m.onnx"), declared).spec
    found = (spec.head.kind, spec.head.threshold) if field == "head" else getattr(spec, field)
    assert found == value


def test_a_declared_layout_of_the_input_goes_before_the_guess(tmp_path: Path) -> None:
    """Three rows look like three channels."""
    model = pointwise(tmp_path / "m.onnx", size=(3, 24), channels=13, input_layout="NHWC")
    segmenter = load(model, {"layout": "NHWC", "output_layout": "NCHW", "output": "logits"})
    images = random_images(2, channels=13, size=(3, 24))
    assert segmenter.predict(images) == pytest.approx(expected(images), abs=1e-4)


@pytest.mark.parametrize(
    ("declared", "message"),
    [
        ({"size": [24, 20]}, "takes images 20x24"),
        ({"batch": 4}, "takes 3 images a call, batch 4 was declared"),
        ({"class_names": ["a", "b"]}, "2 class names are declared, the model gives 5 classes"),
        ({"color": "GRAY"}, "color GRAY was declared, the model takes 3 channels"),
        ({"mean": [1, 2]}, "mean has 2 values, the model takes 3 channels"),
        ({"output_layout": "NHW"}, r"output_layout NHW does not fit the outputs: scores \[3, 5, 20, 24\]"),
        ({"output": "labels"}, "output labels was declared, but 'scores' has 5 channels"),
    ],
)
def test_a_declaration_that_contradicts_the_model_is_refused(
    tmp_path: Path, declared: dict[str, Any], message: str
) -> None:
    with pytest.raises(PreprocessingError, match=message):
        load(pointwise(tmp_path / "m.onnx", batch=3), declared)


def test_metadata_inside_the_file_is_honoured(tmp_path: Path) -> None:
    declared = {"scale": 0.5, "mean": [1, 2, 3], "color": "BGR", "class_names": list(NAMES), "output": "logits"}
    segmenter = load(pointwise(tmp_path / "m.onnx", metadata={METADATA_KEY: json.dumps(declared)}), None)
    assert segmenter.spec.preprocessing == load_preprocessing(declared)
    assert segmenter.spec.class_names == NAMES
    assert segmenter.spec.background == 0
    assert segmenter.identity.notes == ()
    assert segmenter.prepare(load_image(np.full((H, W, 3), [10, 20, 30], np.uint8)))[0, :, 0, 0].tolist() == [14, 8, 2]


def test_what_the_user_declares_goes_before_metadata(tmp_path: Path) -> None:
    model = pointwise(tmp_path / "m.onnx", metadata={METADATA_KEY: json.dumps({"scale": 0.5})})
    assert load(model, "raw").spec.preprocessing is PRESETS["raw"]


@pytest.mark.parametrize(("text", "message"), [("{", "JSON object"), ('{"scales": 1}', "unknown field scales")])
def test_bad_metadata_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(PreprocessingError, match=f"metadata 'misure_onnx' of the model: .*{message}"):
        load(pointwise(tmp_path / "m.onnx", metadata={METADATA_KEY: text}), None)


@pytest.mark.parametrize(
    ("channels", "input_type", "assumed"),
    [
        (3, TensorProto.FLOAT, "imagenet"),
        (3, TensorProto.FLOAT16, "imagenet"),
        (1, TensorProto.FLOAT, "unit"),
        (4, TensorProto.FLOAT, "unit"),
        (3, TensorProto.UINT8, "raw"),
    ],
)
@pytest.mark.parametrize("input_layout", ["NCHW", "NHWC"])
def test_a_preprocessing_that_was_assumed_is_noted(
    tmp_path: Path, channels: int, input_type: int, assumed: str, input_layout: str
) -> None:
    model = pointwise(tmp_path / "m.onnx", channels=channels, input_type=input_type, input_layout=input_layout)
    segmenter = load(model, None)
    assert segmenter.spec.preprocessing is PRESETS[assumed]
    (note,) = segmenter.identity.notes
    assert note.startswith(f"preprocessing was not declared: {assumed!r} was assumed; pass --preprocess")
