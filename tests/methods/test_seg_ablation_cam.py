"""Seg-Ablation-CAM: weights by hand, the cut verified, real models cut where their layers are."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from benchmarks.shared_data import Triple, data_directory, triples
from misure_onnx.api import load_segmenter
from misure_onnx.errors import ModelError, ParameterError
from misure_onnx.graph.graph_backed import graph_of
from misure_onnx.graph.layer_choice import choose_layer
from misure_onnx.images import load_image
from misure_onnx.mask import resize_map
from misure_onnx.methods.cut_scores import CutScores
from misure_onnx.methods.progress import silent
from misure_onnx.methods.seg_ablation_cam import SegAblationCam
from misure_onnx.methods.task import Task
from misure_onnx.segmenter import CountingSegmenter
from misure_onnx.target import Target
from tests.methods.asked import task_on
from tests.methods.layered import SIZE, WEIGHTS, blocky_image, counts, layered, maps_of
from tests.tiny_models import Array, noise_image, pointwise, save_model, small_network, small_u_net


@pytest.mark.parametrize("ending", ["logits", "softmax"])
def test_the_weights_are_what_the_mean_logit_loses(tmp_path: Path, ending: str) -> None:
    """Without map k the mean of c . A over the region loses the mean of c_k A_k, with a softmax behind it too."""
    task = task_on(layered(tmp_path / "net.onnx", ending=ending), blocky_image())
    a, n = maps_of(task.image), counts(task.target.region)
    weights = WEIGHTS * (a * n).sum(axis=(1, 2)) / n.sum()
    before = task.segmenter.forwards
    found = SegAblationCam().attribute(task)
    assert found.trace["weights"] == pytest.approx(weights, rel=1e-4)
    coarse = np.maximum(np.tensordot(weights, a, axes=1), 0).astype(np.float32)
    np.testing.assert_allclose(found.saliency, resize_map(coarse, SIZE), rtol=1e-3, atol=1e-5)
    assert task.segmenter.forwards - before == 2 + 1 + 3  # whole and cut compared; A; without each of three maps
    assert found.route is None


def test_the_score_of_a_changed_layer_is_the_rest_of_the_network_s(tmp_path: Path) -> None:
    """A second convolution in numpy, for activations that no image would give."""
    path = small_network(tmp_path / "net.onnx")
    task = task_on(path, noise_image(), preprocess="minus1_1")
    cut = CutScores(task, choose_layer(graph_of(task.segmenter), task.image, "active").layer)
    changed = np.random.default_rng(0).normal(0, 1, cut.planes.shape).astype(np.float32)
    weights = {t.name: numpy_helper.to_array(t) for t in onnx.load(path).graph.initializer}
    padded = np.pad(changed, ((0, 0), (2, 2), (2, 2)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (5, 5), axis=(1, 2))
    logits = np.einsum("khwij,kij->hw", windows, weights["w2"][1]) + weights["b2"][1]
    (found,) = cut.mean_scores([changed])
    assert found == pytest.approx(logits[task.target.region].mean(), rel=1e-4)


@pytest.mark.parametrize("layer", ["full", "half", "weighed", "bottleneck", "joined"])
def test_several_images_at_once_change_nothing(tmp_path: Path, layer: str) -> None:
    """Skip connections are carried for each of them."""
    model = small_u_net(tmp_path / "net.onnx")
    one, four = (
        SegAblationCam(layer=layer).attribute(task_on(model, noise_image(), batch_size=size)) for size in (1, 4)
    )
    assert one.trace["weights"] == pytest.approx(four.trace["weights"], abs=1e-5)


def test_of_a_label_map_the_scores_before_it_are_asked(tmp_path: Path) -> None:
    task = task_on(pointwise(tmp_path / "net.onnx", ending="argmax"), noise_image())
    found = SegAblationCam(layer="blocks").attribute(task)
    assert found.notes[0] == "the model gives labels only: the score is that of 'logits', before its ArgMax"
    with_scores = SegAblationCam(layer="blocks").attribute(task_on(pointwise(tmp_path / "all.onnx"), noise_image()))
    assert found.trace["weights"] == pytest.approx(with_scores.trace["weights"], rel=1e-5)


def one_image_only(path: Path) -> Path:
    """A literal 1 where the batch should be, behind the layer."""
    rng = np.random.default_rng(2)
    constants: dict[str, Array] = {
        "w1": rng.normal(0, 0.4, (4, 3, 3, 3)).astype(np.float32),
        "w2": rng.normal(0, 0.4, (2, 4, 1, 1)).astype(np.float32),
        "one": np.array([1, 4, *SIZE], np.int64),
    }
    nodes = [
        helper.make_node("Conv", ["image", "w1"], ["before"], pads=[1, 1, 1, 1]),
        helper.make_node("Tanh", ["before"], ["layer"]),
        helper.make_node("Reshape", ["layer", "one"], ["fixed"]),
        helper.make_node("Conv", ["fixed", "w2"], ["scores"]),
    ]
    return save_model(path, nodes, input_shape=["N", 3, *SIZE], constants=constants)


def test_a_tail_that_takes_one_image_only_gets_one_at_a_time(tmp_path: Path) -> None:
    model = one_image_only(tmp_path / "net.onnx")
    one, four = (
        SegAblationCam(layer="layer").attribute(task_on(model, noise_image(), batch_size=size)) for size in (1, 4)
    )
    assert one.trace["weights"] == pytest.approx(four.trace["weights"], abs=1e-6)


def test_a_fixed_batch_is_filled(tmp_path: Path) -> None:
    weights = [
        SegAblationCam()
        .attribute(
            task_on(small_network(tmp_path / f"{batch}.onnx", batch=batch), noise_image(), preprocess="minus1_1")
        )
        .trace["weights"]
        for batch in ("N", 3)
    ]
    assert weights[0] == pytest.approx(weights[1], abs=1e-5)


def test_parts_that_do_not_give_the_whole_are_refused(tmp_path: Path) -> None:
    """The session is created from the true file; the cut then reads a changed one in its place."""
    path = small_network(tmp_path / "net.onnx")
    task = task_on(path, noise_image(), preprocess="minus1_1")
    model = onnx.load(path)
    weights = numpy_helper.to_array(model.graph.initializer[0]) * np.float32(1.1)
    model.graph.initializer[0].CopyFrom(numpy_helper.from_array(weights, model.graph.initializer[0].name))
    onnx.save(model, path)
    with pytest.raises(ModelError, match="cut at 'active', the model gives other scores than in one piece"):
        SegAblationCam().attribute(task)


def test_a_map_without_signal_says_so(tmp_path: Path) -> None:
    task = task_on(layered(tmp_path / "net.onnx"), np.zeros((*SIZE, 3), np.uint8), Target.from_class(0))
    found = SegAblationCam().attribute(task)
    assert not found.saliency.any()
    assert found.status == "uninformative"


def test_a_threshold_outside_its_range_is_refused() -> None:
    with pytest.raises(ParameterError, match="threshold"):
        SegAblationCam(threshold=1.0)


_TRIPLES = [t for t in triples() if t.name in ("D01", "D12", "D14", "D15", "D16", "D17")] if data_directory() else []


@pytest.mark.skipif(not _TRIPLES, reason="no data directory: set MISURE_DATA to one with a manifest.json")
@pytest.mark.parametrize("triple", _TRIPLES, ids=lambda triple: triple.model.stem)
def test_real_models_are_cut_at_their_bottleneck_and_are_whole_again(triple: Triple) -> None:
    """`CutScores` compares both parts with the deployed model, and refuses."""
    segmenter = CountingSegmenter(load_segmenter(triple.model, triple.preprocessing))
    image = load_image(triple.image)
    x = segmenter.prepare(image)
    target = Target.from_class(triple.class_index).resolve(segmenter.spec, segmenter.predict(x), image.size)
    layer = choose_layer(graph_of(segmenter), x).layer
    cut = CutScores(Task(segmenter, x, target, 0, 1, silent), layer)
    assert cut.planes.shape == (layer.channels, *layer.size)
