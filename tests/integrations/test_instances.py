"""Pictures and wishes as JSON, explanations as JSON."""

import base64
import io
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

import misure_onnx as mx
from misure_onnx.errors import ImageError, ParameterError
from misure_onnx.integrations.instances import FILES, Wishes, explain_instances, picture_of
from tests.tiny_models import noise_image

PICTURE = noise_image()


@pytest.fixture
def segmenter(small_network: Path) -> mx.Segmenter:
    return mx.load_segmenter(small_network, "unit", provider="cpu")


def in_base64(picture: Any = PICTURE) -> dict[str, str]:
    return {"b64": base64.b64encode(cv2.imencode(".png", picture[..., ::-1])[1].tobytes()).decode()}


def test_a_picture_comes_as_a_file_or_as_numbers() -> None:
    assert np.array_equal(picture_of(in_base64()).pixels, PICTURE)
    assert np.array_equal(picture_of(PICTURE.tolist()).pixels, PICTURE)
    assert picture_of(PICTURE[..., 0].tolist()).pixels.shape == (20, 24, 1)


def test_the_explanation_is_the_library_s(segmenter: mx.Segmenter) -> None:
    answer = explain_instances(segmenter, {"instances": [in_base64(), PICTURE.tolist()]}, Wishes())
    expected = mx.SufficientRegion().explain(segmenter, PICTURE)
    for found in json.loads(json.dumps(answer))["explanations"]:
        assert found["metrics"] == expected.to_json()["metrics"]
        png = base64.b64decode(found["files"]["minimal_region.png"])
        region = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_GRAYSCALE)
        assert region is not None
        assert np.array_equal(region > 0, expected.minimal_region)


def test_parameters_of_a_request_replace_those_that_were_set(segmenter: mx.Segmenter) -> None:
    wishes = Wishes(method="rise", settings={"masks": "9"}, class_spec=2, seed=3)
    asked = {"method": "occlusion", "settings": {"patch": 10}, "class": 1, "files": ["saliency.npy"], "seed": 5}
    (found,) = explain_instances(segmenter, {"instances": [PICTURE.tolist()], "parameters": asked}, wishes)[
        "explanations"
    ]
    assert (found["method"]["name"], found["method"]["parameters"]["patch"]) == ("occlusion", 10)
    assert (found["target"]["class_index"], found["provenance"]["seed"]) == (1, 5)
    assert list(found["files"]) == ["saliency.npy"]
    saliency = np.load(io.BytesIO(base64.b64decode(found["files"]["saliency.npy"])), allow_pickle=False)
    assert saliency.shape == (20, 24)
    (found,) = explain_instances(segmenter, {"instances": [PICTURE.tolist()]}, wishes)["explanations"]
    assert (found["method"]["parameters"]["masks"], found["provenance"]["seed"]) == (9, 3)


def test_one_object_is_asked_for_by_a_pixel(segmenter: mx.Segmenter) -> None:
    asked = {"method": "predicted_mask", "at": [3, 4], "files": list(FILES)}
    (found,) = explain_instances(segmenter, {"instances": [PICTURE.tolist()], "parameters": asked}, Wishes())[
        "explanations"
    ]
    assert found["target"]["kind"] == "instance"
    assert set(FILES) - set(found["files"]) == {"sufficient_region.png"}  # this method has none


@pytest.mark.parametrize(
    "document",
    [[], None, {}, {"instances": {}}, {"instances": []}, {"instances": [[]] * 17}, {"instances": [1], "parameters": 3}],
)
def test_a_body_of_another_form_is_refused(segmenter: mx.Segmenter, document: Any) -> None:
    with pytest.raises(ParameterError, match=r"expected|parameters must be"):
        explain_instances(segmenter, document, Wishes())


@pytest.mark.parametrize(
    "parameters",
    [
        {"tau": 0.8},
        {"method": 3},
        {"method": "none"},
        {"at": [1, 2, 3]},
        {"at": [1.5, 2]},
        {"at": "1,2"},
        {"files": ["/etc/passwd"]},
        {"files": "figure.png"},
        {"seed": True},
        {"seed": "0"},
        {"settings": ["tau"]},
        {"settings": {"tau": "high"}},
        {"settings": {"unknown": 1}},
        {"preset": "none"},
        {"class": 1.5},
    ],
)
def test_a_parameter_that_is_none_is_refused(segmenter: mx.Segmenter, parameters: dict[str, Any]) -> None:
    with pytest.raises(ParameterError):
        explain_instances(segmenter, {"instances": [PICTURE.tolist()], "parameters": parameters}, Wishes())


@pytest.mark.parametrize(
    "instance",
    [
        "picture.png",
        3,
        [],
        [[[1, 2], [3, 4]], [[1, 2], [3, 4]]],
        [[0.5, 1], [2, 3]],
        [[-1, 0], [0, 0]],
        [[256, 0], [0, 0]],
        [[1, 2], [3]],
        [["a", "b"], ["c", "d"]],
        [[None, 1], [2, 3]],
        {"b64": "no base64!"},
        {"b64": base64.b64encode(b"no picture").decode()},
        {"b64": 3},
        {"path": "/etc/passwd"},
        {"b64": "", "path": "/etc/passwd"},
    ],
)
def test_an_instance_that_is_no_picture_is_refused(instance: Any) -> None:
    with pytest.raises(ImageError):
        picture_of(instance)
