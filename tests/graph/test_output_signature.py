"""What a graph gives: found in it, or declared."""

from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from misure_onnx.errors import ModelOutputError, PreprocessingError, UnsupportedModel
from misure_onnx.graph.output_signature import OutputSignature, candidate_heads, find_output
from misure_onnx.preprocessing import OutputLayout, Preprocessing
from misure_onnx.scores import Head

N, C, L, H, W = 2, 3, 5, 20, 24
IMAGES = (N, H, W)
NOTHING = Preprocessing()
Dims = list[int | str | None]


def model(
    dims: Dims, *nodes: onnx.NodeProto, element_type: int = TensorProto.FLOAT, more_inputs: tuple[str, ...] = ()
) -> onnx.ModelProto:
    graph = helper.make_graph(
        list(nodes) or [helper.make_node("Identity", ["image"], ["scores"])],
        "tiny",
        [
            helper.make_tensor_value_info("image", element_type, dims),
            *(helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in more_inputs),
        ],
        [helper.make_tensor_value_info("scores", element_type, None)],
        [numpy_helper.from_array(np.zeros(1, np.float32), "weight")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])


def node(kind: str, source: str, result: str, **attributes: Any) -> onnx.NodeProto:
    return helper.make_node(kind, [source], [result], **attributes)


# Layouts of outputs


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((N, L, H, W), ("NCHW", L)),
        ((N, H, W, L), ("NHWC", L)),
        ((N, H * W, L), ("NPL", L)),
        ((N, L, H * W), ("NLP", L)),
        ((N, H, W), ("NHW", 1)),
        ((N, 1, H, W), ("NCHW", 1)),
        ((N, H, W, 1), ("NHWC", 1)),
        ((N, L, H // 4, W // 4), ("NCHW", L)),
        ((N, H // 4, W // 4, L), ("NHWC", L)),
        ((N, H // 4, W // 4), ("NHW", 1)),
        ((N, L, 4 * H, 4 * W), ("NCHW", L)),
        ((N, L, H // 4, W // 4 + 1), None),  # 20/5 against 24/7
        ((N, 150, H // 2, W // 2), ("NCHW", 150)),
        ((N, L), None),
        ((N, 1000), None),
        ((N, L, 1, 1), None),
        ((N, 100, 4), None),
        ((N, 100, 6, 2), None),
        ((N, L, H, W, 3), None),
        ((1, L, H, W), None),  # one image came back for two
        ((L, H, W), None),  # the batch axis was squeezed out
        ((H, W), None),
    ],
)
def test_a_segmentation_is_known_by_its_shape(shape: tuple[int, ...], expected: tuple[str, int] | None) -> None:
    found = candidate_heads({"scores": np.zeros(shape, np.float32)}, IMAGES)
    assert found == ({"scores": expected} if expected else {})


def test_a_label_map_without_batch_axis_is_accepted_for_one_image() -> None:
    assert candidate_heads({"labels": np.zeros((H, W), np.int64)}, (1, H, W)) == {"labels": ("NHW", 1)}


@pytest.mark.parametrize(
    ("shape", "size", "expected"),
    [
        ((1, 171, 160, 160), (640, 640), ("NCHW", 171)),  # COCO-Stuff has about as many classes as rows
        ((1, 160, 160, 171), (640, 640), ("NHWC", 171)),
        ((1, 150, 128, 160), (512, 640), ("NCHW", 150)),
        ((1, 128, 160, 150), (512, 640), ("NHWC", 150)),
        ((1, 19, 128, 128), (512, 512), ("NCHW", 19)),
        ((1, 64, 64, 64), (256, 256), ("NCHW", 64)),
    ],
)
def test_as_many_classes_as_rows_do_not_confuse(
    shape: tuple[int, ...], size: tuple[int, int], expected: tuple[str, int]
) -> None:
    assert candidate_heads({"scores": np.zeros(shape, np.float32)}, (1, *size)) == {"scores": expected}


def test_texts_and_objects_are_no_segmentation() -> None:
    probe: dict[str, npt.NDArray[Any]] = {
        "names": np.full((N, L, H, W), "a"),
        "scores": np.zeros((N, L, H, W), np.float16),
    }
    assert list(candidate_heads(probe, IMAGES)) == ["scores"]


@pytest.mark.parametrize(
    ("layout", "shape", "classes"),
    [
        ("NCHW", (N, L, 7, 9), L),
        ("NHWC", (N, 7, 9, L), L),
        ("NHW", (N, 7, 9), 1),
        ("NPL", (N, H * W, L), L),
        ("NLP", (N, L, H * W), L),
        ("NHWC", (N, L, H, W), W),
    ],
)
def test_a_declared_layout_goes_before_the_shape(layout: OutputLayout, shape: tuple[int, ...], classes: int) -> None:
    probe = {"scores": np.full(shape, -1, np.float32)}
    assert candidate_heads(probe, IMAGES, layout) == {"scores": (layout, classes)}
    found = find_output(model([N, C, H, W]), probe, IMAGES, Preprocessing(output_layout=layout))
    assert (found.layout, found.classes) == (layout, classes)


# What an output means


def output(values: npt.NDArray[Any], declared: Preprocessing = NOTHING) -> OutputSignature:
    return find_output(model([N, C, H, W]), {"scores": values}, IMAGES, declared)


def noise(low: float, high: float, classes: int = L) -> npt.NDArray[np.float32]:
    return np.random.default_rng(0).uniform(low, high, (N, classes, H, W)).astype(np.float32)


def shares(dtype: type[np.floating[Any]], classes: int) -> npt.NDArray[Any]:
    values = noise(0, 1, classes).astype(np.float64) ** 4
    return np.asarray(values / values.sum(axis=1, keepdims=True), dtype)


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (noise(-1, 1), "logits"),
        (noise(0, 1.1), "logits"),
        (noise(0, 1), "sigmoid"),
        (noise(0.4, 0.6), "sigmoid"),
        (shares(np.float32, L), "softmax"),
        (shares(np.float16, L), "softmax"),
        (shares(np.float16, 150), "softmax"),
        (noise(-1, 1, 1), "sigmoid_logits"),
        (noise(0, 3, 1), "sigmoid_logits"),
        (noise(0, 1, 1), "sigmoid"),
        (noise(0, 9, 1).astype(np.int64), "labels"),
        (noise(0, 9, 1).astype(np.uint8), "labels"),
        (noise(0, 9, 1) > 4, "labels"),
        (np.rint(noise(0, 9, 1)), "labels"),
        (np.rint(noise(-9, 9, 1)), "sigmoid_logits"),
        (noise(-100, 100).astype(np.int8), "logits"),
        (noise(0, 9) > 4, "sigmoid"),
        (np.full((N, L, H, W), np.nan, np.float32), "logits"),
        (np.full((N, 1, H, W), np.inf, np.float32), "sigmoid_logits"),
    ],
)
def test_the_kind_is_told_by_the_values_where_no_operator_tells(values: npt.NDArray[Any], kind: str) -> None:
    assert output(values).head == Head(kind)  # type: ignore[arg-type]


@pytest.mark.parametrize("layout", ["NHWC", "NPL", "NLP"])
def test_probabilities_sum_over_the_class_axis_of_the_layout(layout: str) -> None:
    last = shares(np.float32, L).transpose(0, 2, 3, 1)
    flat = last.reshape(N, H * W, L)
    values = {"NHWC": last, "NPL": flat, "NLP": flat.transpose(0, 2, 1)}[layout]
    found = output(values)
    assert (found.layout, found.head.kind, found.classes) == (layout, "softmax", L)


@pytest.mark.parametrize("kind", ["logits", "softmax", "sigmoid", "sigmoid_logits"])
def test_a_declared_kind_and_threshold_go_before_the_values(kind: Any) -> None:
    assert output(noise(0, 1), Preprocessing(output=kind, threshold=0.3)).head == Head(kind, 0.3)


@pytest.mark.parametrize(
    ("values", "declared", "message"),
    [
        (noise(-1, 1), Preprocessing(class_names=("a", "b")), "2 class names are declared, the model gives 5 classes"),
        (noise(-1, 1, 1), Preprocessing(output="logits"), "output logits needs two classes or more"),
        (noise(-1, 1), Preprocessing(output="labels"), "output labels was declared, but 'scores' has 5 channels"),
        (noise(-1, 1), Preprocessing(head="other"), r"no output 'other'; its outputs are scores \[2, 5, 20, 24\]"),
        (noise(-1, 1), Preprocessing(output_layout="NPL"), "output_layout NPL does not fit the outputs: scores"),
    ],
)
def test_a_declaration_that_contradicts_the_output_is_refused(
    values: npt.NDArray[Any], declared: Preprocessing, message: str
) -> None:
    with pytest.raises(PreprocessingError, match=message):
        output(values, declared)


def test_a_classifier_is_refused_with_its_shapes() -> None:
    probe = {"classes": np.zeros((N, 1000), np.float32), "features": np.zeros((N, 64, 1, 1), np.float32)}
    message = r"no output is a segmentation of 2 images 20x24: classes \[2, 1000\], features \[2, 64, 1, 1\]"
    with pytest.raises(UnsupportedModel, match=message):
        find_output(model([N, C, H, W]), probe, IMAGES, NOTHING)
    with pytest.raises(UnsupportedModel, match=message):
        find_output(model([N, C, H, W]), probe, IMAGES, Preprocessing(head="classes"))
    with pytest.raises(UnsupportedModel, match="none is an array"):
        find_output(model([N, C, H, W]), {}, IMAGES, NOTHING)


def test_the_first_segmentation_is_taken_or_the_head_that_is_declared() -> None:
    probe = {
        "classes": np.zeros((N, 1000), np.float32),
        "main": noise(-1, 1),
        "auxiliary": noise(-1, 1, 7),
    }
    graph = model([N, C, H, W])
    assert find_output(graph, probe, IMAGES, NOTHING).name == "main"
    found = find_output(graph, probe, IMAGES, Preprocessing(head="auxiliary"))
    assert (found.name, found.classes) == ("auxiliary", 7)


# Label maps


@pytest.mark.parametrize(
    ("axis", "dims", "perm", "classes"), [(1, [N, 7, H, W], None, 7), (-1, [N, 7, H, W], [0, 2, 3, 1], 7)]
)
def test_the_classes_of_a_label_map_are_what_argmax_chose_from(
    axis: int, dims: Dims, perm: list[int] | None, classes: int
) -> None:
    nodes = [node("Transpose", "image", "moved", perm=perm)] if perm else [node("Identity", "image", "moved")]
    nodes.append(node("ArgMax", "moved", "scores", axis=axis, keepdims=0))
    labels = np.zeros((N, H, W), np.int64)
    found = find_output(model(dims, *nodes), {"scores": labels}, IMAGES, NOTHING)
    assert (found.head.kind, found.classes) == ("labels", classes)


def test_a_free_number_of_channels_before_argmax_tells_nothing() -> None:
    graph = model(["N", "C", H, W], node("ArgMax", "image", "moved", axis=1), node("Identity", "moved", "scores"))
    found = find_output(graph, {"scores": np.full((N, 1, H, W), 4)}, IMAGES, NOTHING)
    assert (found.head.kind, found.classes) == ("labels", 5)


@pytest.mark.parametrize(
    ("labels", "declared", "classes"),
    [
        (np.full((N, H, W), 6), NOTHING, 7),
        (np.zeros((N, H, W), np.int64), NOTHING, 2),
        (np.zeros((N, H, W), bool), NOTHING, 2),
        (np.zeros((N, H, W), np.uint8), Preprocessing(class_names=("a", "b", "c")), 3),
        (np.zeros((N, H, W), np.float32), Preprocessing(output="labels", class_names=("a", "b", "c")), 3),
    ],
)
def test_otherwise_declared_names_or_the_labels_seen_tell_the_classes(
    labels: npt.NDArray[Any], declared: Preprocessing, classes: int
) -> None:
    found = output(labels, declared)
    assert (found.head.kind, found.classes) == ("labels", classes)


@pytest.mark.parametrize("dtype", [np.int64, np.uint8, np.float32])
@pytest.mark.parametrize(("layout", "shape"), [("NHW", (N, H, W)), ("NCHW", (N, 1, H, W)), ("NHWC", (N, H, W, 1))])
def test_a_label_map_becomes_one_hot(dtype: type[np.generic], layout: OutputLayout, shape: tuple[int, ...]) -> None:
    labels = np.random.default_rng(0).integers(0, L, (N, H, W))
    scores = OutputSignature("labels", layout, L, Head("labels")).to_scores(labels.astype(dtype).reshape(shape), (H, W))
    assert scores.shape == (N, L, H, W)
    assert scores.dtype == np.float32
    assert np.array_equal(scores.argmax(axis=1), labels)
    assert (scores.sum(axis=1) == 1).all()
    assert set(np.unique(scores)) == {0, 1}


@pytest.mark.parametrize("bad", [-1, 5, 255])
def test_a_label_beyond_the_classes_is_refused_and_not_taken_for_background(bad: int) -> None:
    labels = np.zeros((N, H, W), np.int64)
    labels[1, 2, 3] = bad
    with pytest.raises(ModelOutputError, match=rf"expected labels from 0 to 4, got {bad} from output 'labels'"):
        OutputSignature("labels", "NHW", L, Head("labels")).to_scores(labels, (H, W))


# Reading scores


@pytest.mark.parametrize("layout", ["NCHW", "NHWC", "NPL", "NLP"])
@pytest.mark.parametrize("dtype", [np.float32, np.float16, np.float64, np.int8])
def test_every_layout_is_brought_to_classes_first(layout: OutputLayout, dtype: type[np.generic]) -> None:
    wanted = np.random.default_rng(0).normal(0, 30, (N, L, H, W)).astype(dtype)
    own = np.empty(
        {"NCHW": (N, L, H, W), "NHWC": (N, H, W, L), "NPL": (N, H * W, L), "NLP": (N, L, H * W)}[layout], dtype
    )
    for n, c, y, x in np.ndindex(N, L, H, W):
        place = {"NCHW": (n, c, y, x), "NHWC": (n, y, x, c), "NPL": (n, y * W + x, c), "NLP": (n, c, y * W + x)}[layout]
        own[place] = wanted[n, c, y, x]
    scores = OutputSignature("scores", layout, L, Head("logits")).to_scores(own, (H, W))
    assert scores.dtype == np.float32
    assert np.array_equal(scores, wanted.astype(np.float32))


@pytest.mark.parametrize("shape", [(N, H, W), (N, H // 4, W // 4)])
def test_a_single_channel_gets_its_class_axis(shape: tuple[int, ...]) -> None:
    values = np.random.default_rng(0).normal(0, 1, shape).astype(np.float32)
    scores = OutputSignature("scores", "NHW", 1, Head("sigmoid_logits")).to_scores(values, (H, W))
    assert np.array_equal(scores, values[:, None])


@pytest.mark.parametrize(
    ("layout", "shape", "size"),
    [
        ("NCHW", (N, L, 5, 6), (5, 6)),
        ("NHWC", (N, 5, 6, L), (5, 6)),
        ("NHW", (N, 5, 6), (5, 6)),
        ("NHW", (5, 6), (5, 6)),
        ("NPL", (N, 480, L), (20, 24)),
        ("NLP", (N, L, 480), (20, 24)),
    ],
)
def test_the_size_of_an_output_is_its_own_or_the_input_s_where_it_is_flattened(
    layout: OutputLayout, shape: tuple[int, ...], size: tuple[int, int]
) -> None:
    assert OutputSignature("scores", layout, L, Head("logits")).size_of(shape, (20, 24)) == size
