"""Seg-Grad-CAM, Grad-CAM++, Seg-HiRes-Grad-CAM, Seg-XRes-CAM: by hand on a layer, and slowly in torch on a network."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import pytest
from onnx import numpy_helper

from benchmarks.shared_data import Triple, data_directory, triples
from misure_onnx.api import load_segmenter
from misure_onnx.errors import GradientError, ParameterError
from misure_onnx.mask import resize_map
from misure_onnx.methods.grad_cam_plus_plus import GradCamPlusPlus
from misure_onnx.methods.gradient_cam import GradientCam
from misure_onnx.methods.seg_ablation_cam import SegAblationCam
from misure_onnx.methods.seg_grad_cam import SegGradCam
from misure_onnx.methods.seg_hires_grad_cam import SegHiResGradCam
from misure_onnx.methods.seg_xres_cam import SegXResCam
from misure_onnx.methods.task import Task
from misure_onnx.target import Target
from tests.methods.asked import task_on
from tests.methods.layered import SIZE, WEIGHTS, blocky_image, counts, layered, maps_of
from tests.tiny_models import key_region, noise_image, of_tokens, small_network

Maps = npt.NDArray[Any]


def by_loops_seg_grad_cam(a: Maps, g: Maps) -> Maps:
    out = np.zeros(a.shape[1:])
    for k in range(len(a)):
        out += g[k].sum() / g[k].size * a[k]
    return out


def by_loops_plus_plus(a: Maps, g: Maps) -> Maps:
    out = np.zeros(a.shape[1:])
    for k in range(len(a)):
        weight, total = 0.0, a[k].sum()
        for value in g[k].ravel():
            if value > 0:  # max(0, G) is a factor
                weight += value * value**2 / (2 * value**2 + total * value**3 + 1e-7)
        out += weight * a[k]
    return out


def by_loops_hires(a: Maps, g: Maps) -> Maps:
    return sum((a[k] * g[k] for k in range(len(a))), np.zeros(a.shape[1:]))


def by_loops_xres(window: int, pooling: Callable[..., Any]) -> Callable[[Maps, Maps], Maps]:
    def slow(a: Maps, g: Maps) -> Maps:
        out, (channels, height, width) = np.zeros(a.shape[1:]), a.shape
        for k in range(channels):
            for i in range(height):
                for j in range(width):
                    block = np.zeros((window, window))
                    top, left = i // window * window, j // window * window
                    part = g[k, top : top + window, left : left + window]
                    block[: part.shape[0], : part.shape[1]] = part
                    out[i, j] += pooling(block) * a[k, i, j]
        return out

    return slow


CASES: list[tuple[GradientCam, Callable[[Maps, Maps], Maps]]] = [
    (SegGradCam(), by_loops_seg_grad_cam),
    (GradCamPlusPlus(), by_loops_plus_plus),
    (SegHiResGradCam(), by_loops_hires),
    (SegXResCam(), by_loops_xres(2, np.mean)),
    (SegXResCam(window=4), by_loops_xres(4, np.mean)),  # the layer is 5x6: windows reach over both edges
    (SegXResCam(window=2, pooling="max"), by_loops_xres(2, np.max)),
]
every_case = pytest.mark.parametrize(("method", "slow"), CASES, ids=lambda case: str(getattr(case, "name", "")))


def expected_map(method: GradientCam, coarse: Maps) -> Maps:
    values = coarse.astype(np.float32)
    if isinstance(method, SegGradCam):
        return np.maximum(resize_map(values, SIZE), 0)
    return resize_map(np.maximum(values, 0), SIZE)


@pytest.fixture
def task(tmp_path: Path) -> Task:
    return task_on(layered(tmp_path / "net.onnx"), blocky_image())


@every_case
def test_the_map_is_the_definition_on_a_layer_known_by_hand(
    task: Task, method: GradientCam, slow: Callable[[Maps, Maps], Maps]
) -> None:
    a, g = maps_of(task.image), WEIGHTS[:, None, None] * counts(task.target.region)
    found = method.attribute(task)
    expected = expected_map(method, slow(a, g))
    assert expected.max() > 0
    np.testing.assert_allclose(found.saliency, expected, rtol=1e-4, atol=1e-5 * expected.max())
    assert found.status == "ok"
    assert found.route == "onnx_gradient"
    assert any("layer 'maps' (Relu, 3 channels, 5x6) was taken" in note for note in found.notes)


@every_case
def test_the_map_is_the_definition_on_a_network_differentiated_by_torch(
    tmp_path: Path, method: GradientCam, slow: Callable[[Maps, Maps], Maps]
) -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed")
    path = small_network(tmp_path / "net.onnx")
    task = task_on(path, noise_image(), preprocess="minus1_1")
    weights = {t.name: torch.from_numpy(numpy_helper.to_array(t).copy()) for t in onnx.load(path).graph.initializer}
    hidden = torch.nn.functional.conv2d(torch.from_numpy(task.image), weights["w1"], weights["b1"], padding=2)
    active = torch.tanh(hidden).requires_grad_()
    scores = torch.nn.functional.conv2d(active, weights["w2"], weights["b2"], padding=2)
    (gradient,) = torch.autograd.grad(scores[0, 1][torch.from_numpy(task.target.region)].sum(), active)
    coarse = slow(active[0].detach().double().numpy(), gradient[0].double().numpy())
    expected = expected_map(method, coarse)
    for route in ("onnx_gradient", "torch"):
        found = type(method)(**{**method.parameters(), "route": route}).attribute(task)
        np.testing.assert_allclose(found.saliency, expected, rtol=1e-3, atol=1e-4 * expected.max())
        assert found.route == route


def test_a_window_of_one_is_hires_and_one_for_all_is_seg_grad_cam(task: Task) -> None:
    hires, finest = SegHiResGradCam().attribute(task), SegXResCam(window=1).attribute(task)
    np.testing.assert_allclose(finest.saliency, hires.saliency)
    g = WEIGHTS[:, None, None] * counts(task.target.region)
    whole = SegXResCam(window=6).coarse_map(maps_of(task.image).astype(np.float32), g.astype(np.float32))
    mean = SegGradCam().coarse_map(maps_of(task.image).astype(np.float32), g.astype(np.float32))
    np.testing.assert_allclose(whole, mean * 5 / 6, rtol=1e-5)  # six rows of places, one of them beyond the edge


@pytest.mark.parametrize("method", [case[0] for case in CASES])
def test_probabilities_at_the_end_change_nothing(tmp_path: Path, method: GradientCam) -> None:
    """The logits before the softmax are differentiated: here class 0 is constant, so the region is the same."""
    maps = [
        method.attribute(task_on(layered(tmp_path / f"{end}.onnx", ending=end), blocky_image())).saliency
        for end in ("logits", "softmax")
    ]
    np.testing.assert_allclose(maps[0], maps[1], rtol=1e-5)


def test_the_region_of_the_score_is_the_target_s(tmp_path: Path) -> None:
    """A single pixel: only its block has a gradient, and Seg-HiRes-Grad-CAM shows nothing else."""
    model = layered(tmp_path / "net.onnx")
    whole = task_on(model, blocky_image())
    row, column = (int(place) for place in np.argwhere(whole.target.region)[0])
    pixel = np.zeros(SIZE, bool)
    pixel[row, column] = True
    task = task_on(model, blocky_image(), Target.from_mask(pixel, 1))
    found = SegHiResGradCam().attribute(task)
    coarse = np.zeros((5, 6), np.float32)
    block = (row // 4, column // 4)
    coarse[block] = (WEIGHTS * maps_of(task.image)[:, block[0], block[1]]).sum()
    np.testing.assert_allclose(found.saliency, resize_map(coarse, SIZE), rtol=1e-4, atol=1e-6)


def test_a_map_without_a_positive_place_is_zero_and_says_so(tmp_path: Path) -> None:
    """All activations are zero where the image is dark and the bias alone makes the class."""
    size = (20, 24)
    everything = np.ones(size, bool)
    model = key_region(tmp_path / "key.onnx", object_region=everything, key=everything)
    task = task_on(model, np.full(size, 255, np.uint8))
    found = SegGradCam(layer="object").attribute(task)
    assert found.saliency.max() > 0
    negative = layered(tmp_path / "net.onnx")
    dark = task_on(negative, np.zeros((*SIZE, 3), np.uint8), Target.from_class(0))
    silent = SegGradCam().attribute(dark)
    assert not silent.saliency.any()
    assert silent.status == "uninformative"
    assert "no place of the layer speaks for the target" in silent.notes[-1]
    assert not silent.region.any()


def test_the_region_is_the_scaled_map_above_the_threshold(task: Task) -> None:
    found = SegGradCam(threshold=0.3).attribute(task)
    low, high = found.saliency.min(), found.saliency.max()
    np.testing.assert_array_equal(found.region, (found.saliency - low) / (high - low) > 0.3)


@pytest.mark.parametrize("route", ["onnx_gradient", "torch"])
def test_tokens_on_a_grid_are_feature_maps(tmp_path: Path, route: str) -> None:
    """Behind them is one 1x1 convolution, each of whose scores is repeated for 4x4 pixels: G = w * n."""
    if route == "torch":
        pytest.importorskip("torch", reason="torch is not installed")
    path = of_tokens(tmp_path / "net.onnx")
    task = task_on(path, noise_image(), preprocess="minus1_1")
    weights = {t.name: numpy_helper.to_array(t) for t in onnx.load(path).graph.initializer}
    pixels = task.image[0].reshape(3, 5, 4, 6, 4)
    embedded = np.einsum("chiwj,kcij->khw", pixels, weights["patches"])
    a = np.einsum("khw,km->mhw", embedded, weights["mix"])
    g = weights["head"][1, :, 0, 0][:, None, None] * counts(task.target.region)
    for layer in ("mixed", "map"):
        found = SegHiResGradCam(layer=layer, route=route).attribute(task)
        expected = resize_map(np.maximum(by_loops_hires(a, g), 0).astype(np.float32), SIZE)
        np.testing.assert_allclose(found.saliency, expected, rtol=1e-3, atol=1e-5)
    ablation = [SegAblationCam(layer=layer).attribute(task).saliency for layer in ("mixed", "map")]
    np.testing.assert_allclose(ablation[0], ablation[1], rtol=1e-3, atol=1e-5)


def test_a_named_layer_is_taken_and_noted(task: Task) -> None:
    found = SegGradCam(layer="blocks").attribute(task)
    assert found.notes[-1] == "layer 'blocks' (AveragePool, 3 channels, 5x6), as asked"


def test_an_unknown_layer_is_refused_with_the_nearest_names(task: Task) -> None:
    with pytest.raises(ParameterError, match=r"layer 'map' is no tensor.*did you mean maps"):
        SegGradCam(layer="map").attribute(task)


def test_without_a_graph_there_is_no_layer() -> None:
    def bright(images: Maps) -> Maps:
        return np.concatenate([0.5 - images, images - 0.5], axis=1)

    segmenter = load_segmenter(bright, {"size": [20, 24], "output": "logits", "scale": 1 / 255, "color": "GRAY"})
    image = np.zeros((20, 24), np.uint8)
    image[5:9, 5:9] = 255
    with pytest.raises(GradientError, match="no ONNX file"):
        SegGradCam().explain(segmenter, image, Target.from_class(1))


@pytest.mark.parametrize(
    ("method", "name", "value"),
    [
        (SegGradCam, "threshold", 1.0), (SegGradCam, "route", "search"), (SegXResCam, "window", 0),
        (SegXResCam, "pooling", "median"), (SegXResCam, "threshold", -0.1),
    ],
)  # fmt: skip
def test_a_parameter_outside_its_range_is_refused(method: type[GradientCam], name: str, value: object) -> None:
    with pytest.raises(ParameterError, match=name):
        method.with_parameters({name: value})


_TRIPLES = [t for t in triples() if t.name in ("D01", "D14", "D15")] if data_directory() else []


@pytest.mark.skipif(not _TRIPLES, reason="no data directory: set MISURE_DATA to one with a manifest.json")
@pytest.mark.parametrize("triple", _TRIPLES, ids=lambda triple: triple.model.stem)
def test_on_real_models_both_routes_give_the_same_map_and_it_peaks_on_the_object(triple: Triple) -> None:
    pytest.importorskip("torch", reason="torch is not installed")
    segmenter = load_segmenter(triple.model, triple.preprocessing)
    target = Target.from_class(triple.class_index)
    own, other = (
        SegHiResGradCam(route=route).explain(segmenter, triple.image, target) for route in ("onnx_gradient", "torch")
    )
    difference = np.linalg.norm(own.saliency - other.saliency)
    assert difference < 1e-3 * np.linalg.norm(own.saliency)
    assert own.prediction[np.unravel_index(own.saliency.argmax(), own.saliency.shape)]
