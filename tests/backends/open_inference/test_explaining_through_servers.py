"""Explanations of models behind a server: those of the file, with a record of who answered."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest

import misure_onnx as mx
from misure_onnx.backends.open_inference import RemoteOptions
from misure_onnx.errors import (
    GradientError,
)
from tests.backends.open_inference.small_server import SmallServer
from tests.test_published_schema import published_schema
from tests.tiny_models import (
    SIZE,
    bright_pixels,
    disc_image,
    noise_image,
    pointwise,
    uniform,
)


@pytest.mark.parametrize("method", ["misure", "sufficient_region", "rise", "occlusion", "lime", "predicted_mask"])
def test_an_explanation_is_that_of_the_file(server: SmallServer, small_network: Path, method: str) -> None:
    settings = {"rise": {"masks": "20"}, "lime": {"samples": "30"}, "misure": {"route": "search", "budget": "40"}}
    chosen = mx.make_method(method, None, settings.get(method, {}))
    picture = noise_image((30, 36))
    local = chosen.explain(mx.load_segmenter(small_network, "unit", provider="cpu"), picture)
    remote = chosen.explain(mx.load_segmenter(server.address, "unit"), picture)
    assert np.array_equal(remote.minimal_region, local.minimal_region)
    assert remote.saliency == pytest.approx(local.saliency, abs=1e-5)
    assert remote.certificate.verified_on == "small by REST binary"


def test_the_provenance_says_who_answered_and_what_was_exchanged(server: SmallServer, tmp_path: Path) -> None:
    segmenter = mx.load_segmenter(server.address, "unit", remote=RemoteOptions(headers={"X-Key": "secret"}))
    server.seen.clear()
    explanation = mx.PredictedMask().explain(segmenter, noise_image())
    record = explanation.provenance.server
    assert record is not None
    assert (record.software, record.software_version, record.model, record.model_version) == (
        "small",
        "1.0",
        "seg",
        "1",
    )
    assert record.requests == len(server.seen)
    assert record.bytes_sent == sum(len(request.body) for request in server.seen)
    assert record.bytes_received > 4 * 4 * SIZE[0] * SIZE[1]
    assert record.seconds > 0
    assert all(request.headers["x-key"] == "secret" for request in server.seen)
    jsonschema.Draft202012Validator(published_schema()).validate(explanation.to_json())
    explanation.save(tmp_path / "out")
    assert "secret" not in (tmp_path / "out" / "explanation.json").read_text(encoding="utf-8")
    assert mx.Explanation.load(tmp_path / "out").provenance == explanation.provenance


def test_windows_slide_over_larger_images_through_a_server(server: SmallServer, small_network: Path) -> None:
    picture = noise_image((40, 50))
    options: dict[str, Any] = {"window": 0.5}
    local = mx.PredictedMask().explain(mx.load_segmenter(small_network, "unit", provider="cpu", **options), picture)
    remote = mx.PredictedMask().explain(mx.load_segmenter(server.address, "unit", **options), picture)
    assert np.array_equal(remote.prediction, local.prediction)
    assert remote.provenance.server is not None


@pytest.mark.parametrize("method", ["gradient", "seg_grad_cam", "seg_ablation_cam", "grid_saliency"])
def test_a_method_that_looks_inside_is_refused_and_others_are_named(server: SmallServer, method: str) -> None:
    segmenter = mx.load_segmenter(server.address, "unit")
    with pytest.raises(GradientError, match=r"gives answers alone: explain its file, or take dilated_mask, .*rise"):
        mx.make_method(method).explain(segmenter, noise_image())


def test_the_gradient_routes_of_misure_are_refused_and_what_remains_is_named(server: SmallServer) -> None:
    segmenter = mx.load_segmenter(server.address, "unit")
    with pytest.raises(GradientError, match="What remains: the routes search and finite_difference"):
        mx.make_method("misure", "paper").explain(segmenter, noise_image())


def test_label_maps_have_minimal_regions(tmp_path: Path) -> None:
    model = pointwise(tmp_path / "m.onnx", classes=2, ending="argmax", output_layout="NHW")
    with SmallServer(model).running() as server:
        segmenter = mx.load_segmenter(server.address, {"scale": 1 / 255, "class_names": ["other", "thing"]})
        explanation = mx.make_method("misure", None, {"budget": "30"}).explain(segmenter, noise_image())
        assert explanation.provenance.gradient_route == "search"
        assert explanation.certificate.passed


@pytest.mark.parametrize("make", [bright_pixels, uniform])
def test_other_tiny_models_are_explained(tmp_path: Path, make: Callable[[Path], Path]) -> None:
    with SmallServer(make(tmp_path / "m.onnx")).running() as server:
        segmenter = mx.load_segmenter(server.address, "unit")
        picture = disc_image() if segmenter.spec.channels == 1 else noise_image()
        assert mx.SufficientRegion().explain(segmenter, picture, mx.Target.from_class(1)).certificate.dice == 1
