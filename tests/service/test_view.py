"""What a page slides through is what the method saw."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image
from starlette.testclient import TestClient

from misure_onnx.api import load_segmenter, make_method
from misure_onnx.images import load_image
from misure_onnx.mask import dilate
from misure_onnx.service.view import view_files
from misure_onnx.target import Target
from tests import tiny_models
from tests.service.examples import QUICK, SIZE, disc, ended, noise, submitted


def picture(client: TestClient, job: dict[str, Any], name: str) -> npt.NDArray[np.uint8]:
    return np.asarray(Image.open(io.BytesIO(client.get(f"{job['links']['self']}/artifacts/{name}").content)))


def view(client: TestClient, job: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = client.get(f"{job['links']['self']}/artifacts/view.json").json()
    return found


def test_every_stage_can_be_read_from_one_picture(client: TestClient) -> None:
    job = ended(client, submitted(client, noise(), {"model": "network", "method": "sufficient_region", "seed": 1}))
    found = view(client, job)
    order = picture(client, job, found["dilations"]["picture"])
    region = picture(client, job, found["regions"]["prediction"]) > 0
    stages = found["dilations"]["stages"]
    result = client.get(job["links"]["result"]).json()
    assert len(stages) == result["metrics"]["sufficient_region"]["dilations"] + 1
    for index, stage in enumerate(stages):
        np.testing.assert_array_equal(order <= index, region)
        assert stage["ratio"] == pytest.approx(region.sum() / (order == 0).sum())
        region = dilate(region)
    assert stages[-1]["dice"] == result["metrics"]["sufficient_region"]["dice"]
    trace = client.get(f"{job['links']['self']}/artifacts/trace.json").json()
    assert [stage["dice"] for stage in stages] == trace["sufficient_region_dice"]


def test_the_saliency_picture_is_the_map_to_a_255th_of_its_range(client: TestClient) -> None:
    job = ended(client, submitted(client, noise(), {"model": "network", "method": "occlusion"}))
    found = view(client, job)["saliency"]
    saliency = np.load(io.BytesIO(client.get(f"{job['links']['self']}/artifacts/saliency.npy").content))
    grey = picture(client, job, found["picture"]).astype(float)
    assert (found["low"], found["high"]) == (saliency.min(), saliency.max())
    restored = found["low"] + grey / 255 * (found["high"] - found["low"])
    assert np.abs(restored - saliency).max() <= (saliency.max() - saliency.min()) / 255 / 2 * 1.001


def test_a_method_that_does_not_grow_has_no_stages(client: TestClient) -> None:
    job = ended(client, submitted(client, disc(), {**QUICK, "method": "predicted_mask"}))
    found = view(client, job)
    assert found["dilations"] is None
    assert found["regions"]["sufficient_region"] is None


def test_the_certificate_is_in_words(client: TestClient) -> None:
    found = view(client, ended(client, submitted(client, disc(), QUICK)))["certificate"]
    assert found["findings"]
    assert all(finding["good"] in (True, False, None) and finding["text"] for finding in found["findings"])
    assert {bar["name"] for bar in found["bars"]} >= {"zero", "mean", "blur"}


def test_stages_are_those_of_the_network_where_the_image_is_smaller(tmp_path: Path) -> None:
    tiny_models.small_network(tmp_path / "m.onnx", size=(40, 48))
    segmenter = load_segmenter(tmp_path / "m.onnx", "unit")
    image, target = load_image(tiny_models.noise_image((20, 24))), Target()
    found = make_method("sufficient_region").explain(segmenter, image, target)
    order = np.asarray(Image.open(io.BytesIO(view_files(found, segmenter, image, target)["dilations.png"])))
    assert found.sufficient_region is not None
    np.testing.assert_array_equal(order < 255, found.sufficient_region)
    np.testing.assert_array_equal(order == 0, found.prediction)
    assert order.shape == (SIZE[0], SIZE[1])
