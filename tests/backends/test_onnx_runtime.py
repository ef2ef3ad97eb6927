"""The ONNX Runtime segmenter on tiny graphs whose numbers can be computed without it."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import onnx
import pytest
import scipy.special
from onnx import TensorProto, helper

from misure_onnx.backends.onnx_runtime import OnnxRuntimeSegmenter
from misure_onnx.errors import ModelError, ModelOutputError, PreprocessingError, UnsupportedModel
from misure_onnx.images import load_image
from misure_onnx.preprocessing import Preprocessing, load_preprocessing
from misure_onnx.processors import usable_cores
from misure_onnx.types import Images
from tests.tiny_models import (
    CLASSES,
    SIZE,
    bright_pixels,
    mixing,
    noise_image,
    pointwise,
    pointwise_logits,
    save_model,
    small_network,
)

N, (H, W) = 3, SIZE
NAMES = ("background", "car", "person", "dog", "tree")


def load(path: Path, preprocess: str | dict[str, Any] | None = "unit") -> OnnxRuntimeSegmenter:
    declared = None if preprocess is None else load_preprocessing(preprocess)
    return OnnxRuntimeSegmenter(path, preprocessing=declared, provider="cpu")


def random_images(n: int = N, channels: int = 3, size: tuple[int, int] = SIZE, seed: int = 0) -> Images:
    """Values from 0 to 1, as `unit` makes them."""
    return np.random.default_rng(seed).random((n, channels, *size), np.float32)


def expected(
    images: Images, ending: str = "logits", *, classes: int = CLASSES, shrink: int = 1
) -> npt.NDArray[np.float64]:
    """The pointwise model's scores by NumPy and SciPy."""
    logits = pointwise_logits(images.astype(np.float64), classes, shrink=shrink)
    if ending in ("softmax", "softmax_by_hand"):
        return np.asarray(scipy.special.softmax(logits, axis=1), np.float64)
    if ending in ("sigmoid", "sigmoid_by_hand"):
        return np.asarray(scipy.special.expit(logits), np.float64)
    if ending == "hard_sigmoid":
        return np.clip(0.2 * logits + 0.5, 0, 1)
    if ending == "argmax":
        return np.asarray(logits.argmax(axis=1)[:, None] == np.arange(classes)[:, None, None], np.float64)
    if ending == "threshold":
        return np.concatenate([logits <= 0, logits > 0], axis=1).astype(np.float64)
    return logits


# Layouts and kinds


@pytest.mark.parametrize("batch", ["N", 1, 3, 4])
@pytest.mark.parametrize("input_layout", ["NCHW", "NHWC"])
@pytest.mark.parametrize("output_layout", ["NCHW", "NHWC", "NPL", "NLP"])
def test_every_layout_of_input_and_output_is_found_and_read(
    tmp_path: Path, batch: int | str, input_layout: str, output_layout: str
) -> None:
    model = pointwise(tmp_path / "m.onnx", input_layout=input_layout, output_layout=output_layout, batch=batch)
    segmenter = load(model)
    assert (segmenter.input.layout, segmenter.output.layout) == (input_layout, output_layout)
    assert segmenter.input.batch == (None if batch == "N" else batch)
    assert (segmenter.spec.channels, segmenter.spec.classes, segmenter.spec.size) == (3, CLASSES, SIZE)
    scores = segmenter.predict(random_images())
    assert scores.shape == (N, CLASSES, H, W)
    assert scores.dtype == np.float32
    assert scores == pytest.approx(expected(random_images()), abs=1e-4)


@pytest.mark.parametrize(
    ("ending", "kind"),
    [
        ("logits", "logits"),
        ("softmax", "softmax"),
        ("softmax_by_hand", "softmax"),
        ("sigmoid", "sigmoid"),
        ("sigmoid_by_hand", "sigmoid"),
        ("hard_sigmoid", "sigmoid"),
        ("argmax", "labels"),
    ],
)
@pytest.mark.parametrize("input_layout", ["NCHW", "NHWC"])
def test_what_the_scores_are_is_found_by_operator_or_value(
    tmp_path: Path, ending: str, kind: str, input_layout: str
) -> None:
    segmenter = load(
        pointwise(tmp_path / "m.onnx", ending=ending, input_layout=input_layout, output_layout=input_layout)
    )
    assert segmenter.spec.head.kind == kind
    assert segmenter.spec.classes == CLASSES
    assert segmenter.predict(random_images()) == pytest.approx(expected(random_images(), ending), abs=1e-4)


@pytest.mark.parametrize("output_layout", ["NCHW", "NHWC", "NHW"])
@pytest.mark.parametrize(
    ("ending", "kind", "classes"),
    [
        ("logits", "sigmoid_logits", 1),
        ("sigmoid", "sigmoid", 1),
        ("sigmoid_by_hand", "sigmoid", 1),
        ("hard_sigmoid", "sigmoid", 1),
        ("threshold", "labels", 2),
    ],
)
def test_a_single_channel_is_one_class_or_a_map_of_two_labels(
    tmp_path: Path, output_layout: str, ending: str, kind: str, classes: int
) -> None:
    segmenter = load(pointwise(tmp_path / "m.onnx", classes=1, ending=ending, output_layout=output_layout))
    assert (segmenter.spec.head.kind, segmenter.spec.classes) == (kind, classes)
    scores = segmenter.predict(random_images())
    assert scores == pytest.approx(expected(random_images(), ending, classes=1), abs=1e-4)


@pytest.mark.parametrize("output_layout", ["NCHW", "NHWC", "NHW"])
@pytest.mark.parametrize("output_type", [TensorProto.INT64, TensorProto.INT32, TensorProto.UINT8, TensorProto.FLOAT])
def test_a_label_map_is_read_in_every_shape_and_type(tmp_path: Path, output_layout: str, output_type: int) -> None:
    model = pointwise(tmp_path / "m.onnx", ending="argmax", output_layout=output_layout, output_type=output_type)
    segmenter = load(model)
    assert segmenter.spec.head.kind == "labels"
    assert segmenter.spec.classes == CLASSES
    labels = expected(random_images()).argmax(axis=1)
    assert np.array_equal(segmenter.predict(random_images()).argmax(axis=1), labels)
    assert len(np.unique(labels)) == CLASSES, "the case must show every label to test anything"


def test_a_label_that_was_not_declared_is_refused(tmp_path: Path) -> None:
    model = pointwise(tmp_path / "m.onnx", ending="argmax", output_type=TensorProto.UINT8)
    with pytest.raises(ModelOutputError, match="expected labels from 0 to 1, got 4"):
        load(model, {"scale": 1 / 255, "class_names": ["a", "b"]}).predict(random_images())


@pytest.mark.parametrize("input_layout", ["NCHW", "NHWC"])
@pytest.mark.parametrize(
    ("input_type", "preset", "accuracy"),
    [
        (TensorProto.FLOAT16, "unit", 2e-2),
        (TensorProto.DOUBLE, "unit", 1e-4),
        (TensorProto.FLOAT, "unit", 1e-4),
    ],
)
def test_inputs_of_other_precision_are_fed_in_theirs(
    tmp_path: Path, input_layout: str, input_type: int, preset: str, accuracy: float
) -> None:
    model = pointwise(tmp_path / "m.onnx", input_type=input_type, output_type=input_type, input_layout=input_layout)
    scores = load(model, preset).predict(random_images())
    assert scores.dtype == np.float32
    assert scores == pytest.approx(expected(random_images()), abs=accuracy)


@pytest.mark.parametrize("input_layout", ["NCHW", "NHWC"])
def test_a_uint8_input_gets_whole_pixels(tmp_path: Path, input_layout: str) -> None:
    segmenter = load(pointwise(tmp_path / "m.onnx", input_type=TensorProto.UINT8, input_layout=input_layout), "raw")
    images = np.float32(255) * random_images()
    assert segmenter.predict(images) == pytest.approx(expected(np.rint(images)), abs=0.01)


@pytest.mark.parametrize("preset", ["imagenet", "unit", "minus1_1", "caffe"])
def test_a_preprocessing_that_a_uint8_input_would_cut_off_is_refused(tmp_path: Path, preset: str) -> None:
    model = pointwise(tmp_path / "m.onnx", input_type=TensorProto.UINT8)
    with pytest.raises(PreprocessingError, match=r"takes whole numbers from 0 to 255 \(uint8\).*declare 'raw'"):
        load(model, preset)


# Sizes


@pytest.mark.parametrize(("ending", "kind"), [("logits", "logits"), ("softmax", "softmax"), ("argmax", "labels")])
@pytest.mark.parametrize("output_layout", ["NCHW", "NHWC"])
def test_an_output_at_a_quarter_of_the_size_is_brought_to_the_input_s(
    tmp_path: Path, ending: str, kind: str, output_layout: str
) -> None:
    segmenter = load(pointwise(tmp_path / "m.onnx", shrink=4, ending=ending, output_layout=output_layout))
    assert segmenter.spec.head.kind == kind
    small = expected(random_images(), ending, shrink=4).astype(np.float32)
    scores = segmenter.predict(random_images())
    assert scores.shape == (N, CLASSES, H, W)
    for n, c in np.ndindex(N, CLASSES):
        if kind == "labels":
            assert np.array_equal(scores[n, c], np.kron(small[n, c], np.ones((4, 4))))
        else:
            assert scores[n, c] == pytest.approx(cv2.resize(small[n, c], (W, H)), abs=1e-4)


@pytest.mark.parametrize("input_layout", ["NCHW", "NHWC"])
def test_a_free_size_takes_any_image(tmp_path: Path, input_layout: str) -> None:
    segmenter = load(pointwise(tmp_path / "m.onnx", size=("H", "W"), input_layout=input_layout))
    assert segmenter.spec.size is None
    for size in ((20, 24), (64, 32)):
        images = random_images(2, size=size)
        assert segmenter.predict(images) == pytest.approx(expected(images), abs=1e-4)


@pytest.mark.parametrize(
    ("image_size", "network_size"),
    [
        ((480, 640), (480, 640)),
        ((47, 61), (32, 64)),
        ((100, 90), (96, 96)),
        ((10, 10), (32, 32)),
        ((2048, 1024), (1024, 512)),
        ((100, 3000), (32, 1024)),
    ],
)
def test_a_free_size_follows_the_picture_in_steps_of_32_up_to_1024(
    tmp_path: Path, image_size: tuple[int, int], network_size: tuple[int, int]
) -> None:
    segmenter = load(pointwise(tmp_path / "m.onnx", size=("H", "W")))
    images = segmenter.prepare(load_image(np.zeros((*image_size, 3), np.uint8)))
    assert images.shape == (1, 3, *network_size)


def test_a_picture_is_resized_to_a_fixed_size_and_normalised(tmp_path: Path) -> None:
    segmenter = load(pointwise(tmp_path / "m.onnx"), "imagenet")
    picture = noise_image((50, 60))
    resized = cv2.resize(picture.astype(np.float32), (W, H)) / 255
    images = (resized - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
    assert segmenter.prepare(load_image(picture)) == pytest.approx(images.transpose(2, 0, 1)[None], abs=1e-4)


# Batches


@pytest.mark.parametrize("batch", ["N", 1, 3, 4])
@pytest.mark.parametrize("n", [1, 2, 3, 7])
def test_scores_do_not_depend_on_how_images_are_grouped(tmp_path: Path, batch: int | str, n: int) -> None:
    segmenter = load(small_network(tmp_path / "m.onnx", batch=batch))
    images = random_images(n)
    together = segmenter.predict(images)
    alone = np.concatenate([segmenter.predict(images[k : k + 1]) for k in range(n)])
    assert together.shape == (n, 4, H, W)
    assert together == pytest.approx(alone, abs=1e-5)
    assert np.array_equal(segmenter.predict(images), together)
    assert segmenter._batch_verified is (None if n == 1 or batch == 1 else True)


@pytest.mark.parametrize("how", ["mean", "joined", "refused"])
@pytest.mark.parametrize("n", [2, 3, 5])
def test_a_graph_that_mixes_the_images_of_a_batch_is_run_one_by_one(tmp_path: Path, how: str, n: int) -> None:
    segmenter = load(mixing(tmp_path / "m.onnx", how))
    images = random_images(n)
    own = images - images.mean(axis=(1, 2, 3), keepdims=True) if how == "mean" else images
    assert segmenter.predict(images) == pytest.approx(expected(own), abs=1e-4)
    assert segmenter._batch_verified is False


def test_mixing_is_noticed_even_if_the_first_images_are_copies(tmp_path: Path) -> None:
    segmenter = load(mixing(tmp_path / "m.onnx", "mean"))
    copies = np.repeat(random_images(1), 4, axis=0)
    segmenter.predict(copies)
    images = random_images(4, seed=1)
    own = images - images.mean(axis=(1, 2, 3), keepdims=True)
    assert segmenter.predict(images) == pytest.approx(expected(own), abs=1e-4)


def test_a_graph_fixed_to_a_batch_that_mixes_its_images_is_asked_about_one_at_a_time(tmp_path: Path) -> None:
    segmenter = load(mixing(tmp_path / "m.onnx", "mean", batch=3))
    images = random_images(4)
    own = images - images.mean(axis=(1, 2, 3), keepdims=True)
    assert segmenter.predict(images) == pytest.approx(expected(own), abs=1e-4)


def test_a_batch_that_the_graph_leaves_free_can_be_declared(tmp_path: Path) -> None:
    segmenter = load(mixing(tmp_path / "m.onnx", "refused"), {"scale": 1 / 255, "batch": 1})
    assert segmenter.input.batch == segmenter.spec.batch_size == 1
    assert segmenter.predict(random_images()) == pytest.approx(expected(random_images()), abs=1e-4)


def test_asking_changes_neither_images_nor_answers_nor_the_file(tmp_path: Path) -> None:
    model = small_network(tmp_path / "m.onnx")
    content, images = model.read_bytes(), random_images()
    segmenter = load(model)
    first = segmenter.predict(images)
    assert np.array_equal(segmenter.predict(images), first)
    assert np.array_equal(images, random_images())
    assert model.read_bytes() == content
    assert [path.name for path in tmp_path.iterdir()] == ["m.onnx"]


def test_images_of_another_size_or_number_of_channels_are_refused(tmp_path: Path) -> None:
    segmenter = load(small_network(tmp_path / "m.onnx"))
    for images in (random_images(size=(W, H)), random_images(channels=4)):
        with pytest.raises(ModelError, match=r"could not run m\.onnx: .*nvalid dimensions"):
            segmenter.predict(images)


# Identity


def test_the_identity_says_which_file_runs_and_how(tmp_path: Path) -> None:
    model = bright_pixels(tmp_path / "m.onnx")
    identity = load(model).identity
    assert identity.model_sha256 == hashlib.sha256(model.read_bytes()).hexdigest()
    assert identity.opset == 17
    assert identity.providers_requested == identity.providers_used == ("CPUExecutionProvider",)
    assert identity.notes == ()


# Graphs that cannot be explained


def of_nodes(tmp_path: Path, *nodes: onnx.NodeProto, size: Sequence[int | str] = SIZE, **constants: list[int]) -> Path:
    arrays = {name: np.array(value, np.int64) for name, value in constants.items()}
    return save_model(tmp_path / "m.onnx", nodes, input_shape=["N", 3, *size], constants=arrays)


def test_a_classifier_is_refused(tmp_path: Path) -> None:
    model = of_nodes(tmp_path, helper.make_node("ReduceSum", ["image", "axes"], ["scores"], keepdims=0), axes=[1, 2, 3])
    with pytest.raises(UnsupportedModel, match=r"no output is a segmentation of 1 images 20x24: scores \[1\]"):
        load(model)


def test_an_output_that_is_no_array_is_passed_over(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("SequenceConstruct", ["image", "image"], ["list"]),
        helper.make_node("Identity", ["image"], ["scores"]),
    ]
    sequence = helper.make_tensor_sequence_value_info("list", TensorProto.FLOAT, None)
    scores = helper.make_tensor_value_info("scores", TensorProto.FLOAT, None)
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["N", 3, *SIZE])
    graph = helper.make_graph(nodes, "tiny", [image], [sequence, scores])
    path = tmp_path / "m.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    assert np.array_equal(load(path).predict(random_images()), random_images())


def test_a_graph_that_onnx_runtime_refuses_is_refused_with_its_reason(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    model = of_nodes(tmp_path, helper.make_node("Conv", ["image", "missing"], ["scores"]))
    with pytest.raises(ModelError, match=r"onnxruntime .* cannot load .*missing"):
        load(model)
    assert capfd.readouterr().out == "", "stdout belongs to the result"


def test_a_graph_that_fails_when_it_runs_is_refused_with_its_reason(tmp_path: Path) -> None:
    reshape = helper.make_node("Reshape", ["image", "shape"], ["scores"])
    model = of_nodes(tmp_path, reshape, size=("H", "W"), shape=[1, 3, 7, 7])
    with pytest.raises(ModelError, match=r"could not run m\.onnx"):
        load(model)


def test_the_cores_that_may_be_used_are_at_least_one() -> None:
    assert usable_cores() >= 1


def test_thresholds_reach_the_head(tmp_path: Path) -> None:
    segmenter = OnnxRuntimeSegmenter(
        pointwise(tmp_path / "m.onnx", classes=1, ending="sigmoid"), preprocessing=Preprocessing(threshold=0.2)
    )
    assert segmenter.spec.head.threshold == 0.2
