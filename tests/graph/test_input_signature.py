"""What a graph takes: found in it, or declared."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto

from misure_onnx.errors import PreprocessingError, UnsupportedModel
from misure_onnx.graph.input_signature import InputSignature, find_input
from misure_onnx.preprocessing import Layout, Preprocessing
from tests.graph.test_output_signature import NOTHING, C, Dims, H, N, W, model, node


@pytest.mark.parametrize(
    ("dims", "layout", "channels", "size", "batch"),
    [
        (["N", 3, 20, 24], "NCHW", 3, (20, 24), None),
        (["N", 20, 24, 3], "NHWC", 3, (20, 24), None),
        ([1, 1, 20, 24], "NCHW", 1, (20, 24), 1),
        ([4, 20, 24, 1], "NHWC", 1, (20, 24), 4),
        ([1, 3, 512, 512], "NCHW", 3, (512, 512), 1),
        ([None, 13, 64, 65], "NCHW", 13, (64, 65), None),
        (["N", 64, 65, 13], "NHWC", 13, (64, 65), None),
        (["N", 3, "H", "W"], "NCHW", 3, None, None),
        (["N", "H", "W", 3], "NHWC", 3, None, None),
        ([-1, 3, -1, -1], "NCHW", 3, None, None),
        ([1, 3, 4, 24], "NCHW", 3, (4, 24), 1),
    ],
)
def test_the_layout_follows_from_the_number_of_channels(
    dims: Dims, layout: str, channels: int, size: tuple[int, int] | None, batch: int | None
) -> None:
    found = find_input(model(dims), NOTHING)
    assert found == InputSignature("image", layout, np.dtype(np.float32), channels, size, batch)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("nodes", "layout"),
    [
        ([node("Conv", "image", "scores")], "NCHW"),
        ([node("Transpose", "image", "scores", perm=[0, 3, 1, 2])], "NHWC"),
        ([node("Cast", "image", "a", to=1), node("Transpose", "a", "scores", perm=[0, 3, 1, 2])], "NHWC"),
        ([node("Sub", "image", "a"), node("Mul", "a", "b"), node("Conv", "b", "scores")], "NCHW"),
    ],
)
@pytest.mark.parametrize("dims", [["N", "a", "b", "c"], [1, 3, 4, 3], [1, 50, 60, 70]])
def test_where_the_channels_do_not_tell_the_first_operator_does(
    nodes: list[onnx.NodeProto], layout: str, dims: Dims
) -> None:
    assert find_input(model(dims, *nodes), NOTHING).layout == layout


def test_a_layout_that_cannot_be_told_must_be_declared() -> None:
    transposed = node("Transpose", "image", "scores", perm=[0, 2, 1, 3])
    for graph in (model([1, 50, 60, 70]), model([1, 50, 60, 70], transposed)):
        with pytest.raises(PreprocessingError, match=r"input 'image' with shape \[1, 50, 60, 70\] cannot be told"):
            find_input(graph, NOTHING)
    assert find_input(model([1, 50, 60, 70]), Preprocessing(layout="NCHW")).channels == 50
    assert find_input(model([1, 50, 60, 70]), Preprocessing(layout="NHWC")).channels == 70


def test_a_declared_layout_goes_before_the_guess() -> None:
    assert find_input(model([1, 3, 20, 24]), Preprocessing(layout="NHWC")).channels == 24


@pytest.mark.parametrize(
    ("declared", "channels"),
    [(NOTHING, 3), (Preprocessing(color="GRAY"), 1), (Preprocessing(mean=(0.0,) * 6), 6)],
)
def test_free_channels_follow_from_the_declaration(declared: Preprocessing, channels: int) -> None:
    graph = model(["N", "C", 40, 48], node("Conv", "image", "scores"))
    assert find_input(graph, declared).channels == channels


@pytest.mark.parametrize(
    ("element_type", "dtype"),
    [
        (TensorProto.FLOAT, np.float32),
        (TensorProto.FLOAT16, np.float16),
        (TensorProto.DOUBLE, np.float64),
        (TensorProto.UINT8, np.uint8),
    ],
)
def test_the_element_type_is_found(element_type: int, dtype: type[np.generic]) -> None:
    assert find_input(model([1, 3, H, W], element_type=element_type), NOTHING).dtype == dtype


@pytest.mark.parametrize(
    ("graph", "message"),
    [
        (model([1, 3, H, W], element_type=TensorProto.INT64), "input 'image' is INT64; expected FLOAT, FLOAT16"),
        (model([1, 3, 8, 8, H, W]), "volume's of rank 5, input .* has rank 6$"),
        (model([3, H, W]), "expected an image input of rank 4 .* has rank 3$"),
        (model([1, 3, H, W], more_inputs=("mask",)), "expected one image input, the model has 2: image, mask"),
    ],
)
def test_an_input_that_is_no_batch_of_images_is_refused(graph: onnx.ModelProto, message: str) -> None:
    with pytest.raises(UnsupportedModel, match=message):
        find_input(graph, NOTHING)


def test_weights_among_the_inputs_are_no_inputs() -> None:
    assert find_input(model([1, 3, H, W], more_inputs=("weight",)), NOTHING).name == "image"


@pytest.mark.parametrize(
    ("dims", "declared", "size", "batch"),
    [
        (["N", 3, "H", "W"], Preprocessing(size=(8, 9), batch=4), (8, 9), 4),
        ([2, 3, H, W], Preprocessing(size=(H, W), batch=2), (H, W), 2),
        ([1, 3, H, "W"], Preprocessing(size=(H, 9)), (H, 9), 1),
    ],
)
def test_size_and_batch_can_be_declared_where_the_graph_leaves_them_free(
    dims: Dims, declared: Preprocessing, size: tuple[int, int], batch: int
) -> None:
    found = find_input(model(dims), declared)
    assert (found.size, found.batch) == (size, batch)


@pytest.mark.parametrize(
    ("dims", "declared", "message"),
    [
        ([1, 3, H, W], Preprocessing(size=(W, H)), r"takes images 20x24 \(height x width\), size \[24, 20\]"),
        ([1, 3, H, "W"], Preprocessing(size=(8, 9)), r"takes images 20x\? \(height x width\), size \[8, 9\]"),
        ([1, 3, "H", W], NOTHING, r"takes images \?x24 .*: declare 'size: \[height, width\]'"),
        ([2, 3, H, W], Preprocessing(batch=3), "takes 2 images a call, batch 3 was declared"),
    ],
)
def test_a_declaration_that_contradicts_the_graph_is_refused(dims: Dims, declared: Preprocessing, message: str) -> None:
    with pytest.raises(PreprocessingError, match=message):
        find_input(model(dims), declared)


def input_signature(layout: Layout, dtype: type[np.generic] = np.float32, channels: int = C) -> InputSignature:
    return InputSignature("image", layout, np.dtype(dtype), channels, (H, W), None)


@pytest.mark.parametrize("channels", [1, 2, 3, 4, 13])
@pytest.mark.parametrize("dtype", [np.float32, np.float16, np.float64])
def test_images_are_brought_to_the_graph_s_layout_and_type(channels: int, dtype: type[np.generic]) -> None:
    images = np.random.default_rng(0).normal(0, 1, (N, channels, 4, 6)).astype(np.float32)
    before = images.copy()
    first = input_signature("NCHW", dtype, channels).to_network(images)
    last = input_signature("NHWC", dtype, channels).to_network(images)
    assert first.dtype == last.dtype == dtype
    assert first.flags.c_contiguous
    assert last.flags.c_contiguous
    for n, c, y, x in np.ndindex(N, channels, 4, 6):
        assert first[n, c, y, x] == last[n, y, x, c] == images.astype(dtype)[n, c, y, x]
    assert np.array_equal(images, before)


@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
def test_pixels_are_rounded_and_clipped_to_whole_numbers(layout: Layout) -> None:
    images = np.array([-3, -0.4, 0.4, 0.6, 254.4, 254.6, 255.4, 999], np.float32).reshape(1, 1, 2, 4)
    own = input_signature(layout, np.uint8, 1).to_network(images)
    assert own.dtype == np.uint8
    assert own.ravel().tolist() == [0, 0, 0, 1, 254, 255, 255, 255]
    assert images[0, 0, 0, 0] == -3
