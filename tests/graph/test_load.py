"""What is read of an ONNX file, and from where; the refusals are in `tests/cli`."""

import os
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from misure_onnx.errors import ModelError, UnsupportedModel
from misure_onnx.graph.load import load_structure, load_with_weights, opset_version
from tests import tiny_models
from tests.cli.bad_models import external

WEIGHTS = {"w1", "b1", "w2", "b2"}


def _weights(model: onnx.ModelProto) -> dict[str, bytes]:
    return {tensor.name: numpy_helper.to_array(tensor).tobytes() for tensor in model.graph.initializer}


@pytest.fixture
def expected(tmp_path: Path) -> dict[str, bytes]:
    return _weights(onnx.load(tiny_models.small_network(tmp_path / "expected.onnx")))


def test_the_structure_holds_no_external_weights(tmp_path: Path) -> None:
    model = load_structure(external(tmp_path))
    assert {tensor.name for tensor in model.graph.initializer} == WEIGHTS
    assert not any(tensor.raw_data for tensor in model.graph.initializer)


def test_external_weights_are_the_ones_inside_a_whole_file(tmp_path: Path, expected: dict[str, bytes]) -> None:
    model = load_with_weights(external(tmp_path))
    assert _weights(model) == expected


def test_a_file_without_external_weights_is_taken_as_it_is(tmp_path: Path, expected: dict[str, bytes]) -> None:
    assert _weights(load_with_weights(tmp_path / "expected.onnx")) == expected


def test_weights_in_a_directory_below_are_found(tmp_path: Path, expected: dict[str, bytes]) -> None:
    path = external(tmp_path, location="data/weights.bin")
    (path.parent / "data").mkdir()
    (path.parent / "weights.bin").rename(path.parent / "data" / "weights.bin")
    assert _weights(load_with_weights(path)) == expected


def test_a_cache_of_links_is_followed(tmp_path: Path, expected: dict[str, bytes]) -> None:
    """Model hubs keep files under their hash in one directory, and links with their names in another."""
    path = external(tmp_path)
    snapshot, blobs = tmp_path / "snapshot", tmp_path / "blobs"
    snapshot.mkdir()
    blobs.mkdir()
    for number, file in enumerate((path, path.parent / "weights.bin")):
        file.rename(blobs / str(number))
        (snapshot / file.name).symlink_to(blobs / str(number))
    assert _weights(load_with_weights(snapshot / path.name)) == expected


def test_the_working_directory_does_not_matter(
    tmp_path: Path, expected: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = external(tmp_path)
    monkeypatch.chdir(path.parent)
    assert _weights(load_with_weights(Path(path.name))) == expected


def test_a_pipe_is_refused_without_waiting_for_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "model.onnx")
    with pytest.raises(ModelError, match="no existing file"):
        load_structure(tmp_path / "model.onnx")


def test_a_name_in_any_alphabet_is_fine(tmp_path: Path) -> None:
    path = tiny_models.small_network(tmp_path / "Straße 模型 (1).onnx")
    assert opset_version(load_structure(path)) == 17


def test_the_extension_does_not_matter(tmp_path: Path) -> None:
    path = tiny_models.small_network(tmp_path / "model.onnx").rename(tmp_path / "model.json")
    assert load_structure(path).graph.node


def test_operators_that_onnx_took_back_are_left_to_the_runtime(tmp_path: Path) -> None:
    node = helper.make_node("ImageScaler", ["image"], ["scores"], scale=2.0, bias=[0.0, 0.0, 0.0])
    path = tiny_models.save_model(tmp_path / "old.onnx", [node], input_shape=["N", 3, 20, 24], opset=7)
    assert load_structure(path).graph.node[0].op_type == "ImageScaler"


def _with_function(path: Path, operator: str) -> Path:
    """A model whose only node calls the function `Brighten`, which calls `operator`."""
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("org.example", 1)]
    inner = helper.make_node(operator, ["x"], ["y"], name="inner_node")
    brighten = helper.make_function("org.example", "Brighten", ["x"], ["y"], [inner], opsets)
    graph = helper.make_graph(
        [helper.make_node("Brighten", ["image"], ["scores"], domain="org.example")],
        "tiny",
        [helper.make_tensor_value_info("image", onnx.TensorProto.FLOAT, ["N", 3, 20, 24])],
        [helper.make_tensor_value_info("scores", onnx.TensorProto.FLOAT, None)],
    )
    model = helper.make_model(graph, opset_imports=opsets, functions=[brighten], ir_version=8)
    onnx.save(model, path)
    return path


def test_functions_of_the_file_are_known_operators(tmp_path: Path) -> None:
    assert load_structure(_with_function(tmp_path / "model.onnx", "Relu")).functions


def test_functions_of_the_file_may_not_call_unknown_operators(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedModel, match="'inner_node' is the operator Sharpen"):
        load_structure(_with_function(tmp_path / "model.onnx", "Sharpen"))


def test_weights_of_constants_inside_branches_are_read(tmp_path: Path) -> None:
    tensor = numpy_helper.from_array(np.arange(4, dtype=np.float32), "value")
    (tmp_path / "weights.bin").write_bytes(tensor.raw_data)
    onnx.external_data_helper.set_external_data(tensor, "weights.bin")
    tensor.ClearField("raw_data")
    branch = helper.make_graph(
        [helper.make_node("Constant", [], ["four"], value=tensor)],
        "branch",
        [],
        [helper.make_tensor_value_info("four", onnx.TensorProto.FLOAT, [4])],
    )
    node = helper.make_node("If", ["yes"], ["scores"], then_branch=branch, else_branch=branch)
    path = tiny_models.save_model(
        tmp_path / "model.onnx", [node], input_shape=["N", 3, 20, 24], constants={"yes": np.array([True])}
    )
    model = load_with_weights(path)
    for attribute in model.graph.node[0].attribute:
        assert numpy_helper.to_array(attribute.g.node[0].attribute[0].t).tolist() == [0, 1, 2, 3]
