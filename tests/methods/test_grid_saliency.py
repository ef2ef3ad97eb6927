"""Grid saliency against a slow transcription in torch, and on models whose needed context is known."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import misure_onnx
from misure_onnx.api import load_segmenter
from misure_onnx.errors import ParameterError
from misure_onnx.images import load_image
from misure_onnx.mask import components
from misure_onnx.methods.grid_saliency import GridSaliency
from misure_onnx.target import Target
from tests.methods.asked import task_on
from tests.methods.same_network import torch_twin
from tests.tiny_models import key_region, noise_image, small_network

SHAPE = (40, 48)


def model_with(
    tmp_path: Path, key: tuple[slice, slice]
) -> tuple[Path, np.ndarray[tuple[int, ...], np.dtype[np.bool_]]]:
    thing, evidence = np.zeros(SHAPE, bool), np.zeros(SHAPE, bool)
    thing[4:16, 4:16] = True
    evidence[key] = True
    return key_region(tmp_path / "key.onnx", object_region=thing, key=evidence), evidence


def test_the_context_that_the_object_needs_is_found(tmp_path: Path) -> None:
    model, key = model_with(tmp_path, (slice(25, 35), slice(30, 42)))
    task = task_on(model, np.full(SHAPE, 255, np.uint8))
    found = GridSaliency().attribute(task)
    assert key[np.unravel_index(found.saliency.argmax(), SHAPE)]
    assert found.saliency[key].mean() > 5 * found.saliency[~key].mean()
    assert not found.saliency[task.target.region].any()
    assert found.region[task.target.region].all()
    assert min(found.trace["loss"]) < found.trace["loss_without_context"][0]


def test_an_object_that_needs_no_context_has_none_and_says_so(tmp_path: Path) -> None:
    model, _ = model_with(tmp_path, (slice(6, 14), slice(6, 14)))
    task = task_on(model, np.full(SHAPE, 255, np.uint8))
    found = GridSaliency().attribute(task)
    assert not found.saliency.any()
    assert np.array_equal(found.region, task.target.region)
    assert any("object alone" in note for note in found.notes)


@pytest.mark.parametrize("clamp_below", [0.0, 0.2])
def test_every_loss_is_that_of_a_slow_transcription(tmp_path: Path, clamp_below: float) -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed")
    path = small_network(tmp_path / "net.onnx", size=SHAPE)
    task = task_on(path, noise_image(SHAPE, 3), preprocess="minus1_1")
    method = GridSaliency(mask_size=6, area_weight=0.004, iterations=30, learning_rate=2.0, clamp_below=clamp_below)
    network, x = torch_twin(path), torch.tensor(task.image)
    thing = torch.tensor(task.target.region.astype(np.float32))
    whole = torch.softmax(network(x), 1)[0, 1]

    def objective(values: Any) -> Any:
        context = torch.nn.functional.interpolate(values[None, None], SHAPE, mode="bilinear", align_corners=False)[0, 0]
        p = torch.softmax(network(x * (thing + context * (1 - thing))), 1)[0, 1]
        drop = (torch.relu(whole - p) * thing).sum() / thing.sum()
        return drop + method.area_weight * values.sum()

    grid = torch.full((6, 6), 0.5, requires_grad=True)
    descent = torch.optim.SGD([grid], lr=2.0, momentum=0.5)
    losses = []
    for _ in range(30):
        descent.zero_grad()
        loss = objective(grid)
        loss.backward()
        losses.append(float(loss.detach()))
        descent.step()
        with torch.no_grad():
            grid[grid <= clamp_below] = 0
            grid.clamp_(0, 1)
    found = method.attribute(task)
    assert np.ptp(losses) > 0.01, "the loss must move to test anything"
    assert found.trace["loss"] == pytest.approx(losses, abs=1e-4)
    assert found.trace["loss_without_context"][0] == pytest.approx(
        float(objective(torch.zeros(6, 6)).detach()), abs=1e-5
    )
    assert found.backwards == 31


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("mask_size", 1), ("area_weight", -1.0), ("iterations", 0), ("learning_rate", 0.0), ("momentum", 1.0),
        ("start", 1.5), ("clamp_below", 1.0), ("threshold", 1.0),
    ],
)  # fmt: skip
def test_a_parameter_outside_its_range_is_refused(name: str, value: float) -> None:
    with pytest.raises(ParameterError, match=name):
        GridSaliency.with_parameters({name: value})


def test_on_the_bundled_triangle_the_context_is_the_two_other_corners_and_no_distractor() -> None:
    bundled = Path(misure_onnx.__file__).parent / "demo"
    segmenter = load_segmenter(bundled / "triangle.onnx")
    found = GridSaliency().explain(segmenter, bundled / "triangle.png", Target.at(165, 22))
    objects = components(load_image(bundled / "triangle.png").rgb[..., 0] > 100, min_pixels=20)
    seen = [float(found.minimal_region[thing].mean()) for thing in objects]
    assert len(objects) == 8
    assert sorted(share > 0.5 for share in seen) == [False] * 5 + [True] * 3
    assert max(share for share in seen if share <= 0.5) < 0.05
    assert found.certificate.dice > 0.9
    assert found.metrics.predicted_mask.dice_explained < 0.1  # without its context the object is lost
