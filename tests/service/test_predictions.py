import base64
import io
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image
from starlette.testclient import TestClient

from misure_onnx.api import every_object, load_segmenter
from tests import tiny_models
from tests.service.examples import SIZE, asked, disc, ended, noise, png, problem, submitted


def decoded(uri: str) -> npt.NDArray[np.int64]:
    """R + 256 G of every pixel, as a page reads it from a canvas."""
    pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(uri.removeprefix("data:image/png;base64,"))))).astype(
        int
    )
    return np.asarray(pixels[..., 0] + 256 * pixels[..., 1], np.int64)


def test_a_disc_is_one_object_where_it_is(client: TestClient) -> None:
    found = client.post("/v1/predictions", **asked(disc(), {"model": "bright"})).json()
    inside = tiny_models.disc_image() > 0
    rows, columns = np.nonzero(inside)
    (one,) = found["objects"]
    assert one["pixels"] == inside.sum()
    assert one["box"] == [columns.min(), rows.min(), np.ptp(columns) + 1, np.ptp(rows) + 1]
    assert inside[one["point"][1], one["point"][0]]
    assert (one["class_index"], one["class_name"]) == (1, "disc")
    np.testing.assert_array_equal(decoded(found["objects_map"]), inside.astype(int))
    np.testing.assert_array_equal(decoded(found["labels"]), inside.astype(int))
    assert found["image_size"] == found["network_size"] == list(SIZE)
    assert found["classes"] == [
        {"index": 0, "name": "background", "pixels": int((~inside).sum())},
        {"index": 1, "name": "disc", "pixels": int(inside.sum())},
    ]


def test_the_score_is_the_mean_probability_of_the_object(client: TestClient) -> None:
    (one,) = client.post("/v1/predictions", **asked(disc(), {"model": "bright"})).json()["objects"]
    np.testing.assert_allclose(one["score"], 1 / (1 + np.exp(-1.0)), rtol=1e-5)  # logits (-0.5, 0.5) on white


def test_boxes_and_points_are_in_pixels_of_the_image_whatever_the_networks_size(client: TestClient) -> None:
    large = np.kron(tiny_models.disc_image(), np.ones((3, 2), np.uint8))
    found = client.post("/v1/predictions", **asked(png(large), {"model": "bright"})).json()
    (one,) = found["objects"]
    rows, columns = np.nonzero(large)
    assert one["box"] == [columns.min(), rows.min(), np.ptp(columns) + 1, np.ptp(rows) + 1]
    assert large[one["point"][1], one["point"][0]]
    assert found["image_size"] == [SIZE[0] * 3, SIZE[1] * 2]


def two_squares() -> bytes:
    """The smaller one comes first in reading order."""
    picture = np.zeros((*SIZE, 3), np.uint8)
    picture[1:6, 1:6] = picture[8:15, 10:16] = 255
    return png(picture)


def test_the_numbers_of_objects_are_those_that_a_target_takes(client: TestClient) -> None:
    found = client.post("/v1/predictions", **asked(two_squares(), {"model": "bright"})).json()
    assert [one["pixels"] for one in found["objects"]] == [42, 25]
    for one in found["objects"]:
        spec = {"model": "bright", "method": "predicted_mask", "target": {"component": one["number"]}}
        job = ended(client, submitted(client, two_squares(), spec))
        target = client.get(job["links"]["result"]).json()["target"]
        assert (target["pixels"], target["class_index"]) == (one["pixels"], one["class_index"])
        picture = client.get(f"{job['links']['self']}/artifacts/prediction.png").content
        region = np.asarray(Image.open(io.BytesIO(picture)))
        np.testing.assert_array_equal(region > 0, decoded(found["objects_map"]) == one["number"])


def test_objects_are_those_of_the_library(client: TestClient, models: Path) -> None:
    found = client.post("/v1/predictions", **asked(noise(), {"model": "network"})).json()
    segmenter = load_segmenter(models / "network.onnx", models / "network.yaml")
    expected = every_object(segmenter, tiny_models.noise_image(SIZE), min_pixels=16)
    assert [one["network_pixels"] for one in found["objects"]] == [int(one.region.sum()) for one in expected]


def test_where_nothing_is_found_there_are_no_objects(client: TestClient) -> None:
    black = png(np.zeros((*SIZE, 3), np.uint8))
    assert client.post("/v1/predictions", **asked(black, {"model": "bright"})).json()["objects"] == []


def test_a_point_in_an_object_names_it(client: TestClient) -> None:
    one = client.post("/v1/predictions", **asked(two_squares(), {"model": "bright"})).json()["objects"][1]
    spec = {"model": "bright", "method": "predicted_mask", "target": {"point": one["point"]}}
    job = ended(client, submitted(client, two_squares(), spec))
    assert client.get(job["links"]["result"]).json()["target"]["pixels"] == one["pixels"]


def test_a_model_that_cannot_be_loaded_is_a_problem_of_the_request(client: TestClient) -> None:
    assert "ModelError" in problem(client.post("/v1/predictions", **asked(disc(), {"model": "broken"})), 422)


def test_a_prediction_can_be_asked_for_again(client: TestClient) -> None:
    answer = client.post("/v1/predictions", **asked(disc(), {"model": "bright"}))
    assert client.get(answer.headers["Location"]).json() == answer.json()
    problem(client.get("/v1/predictions/none"), 404)
