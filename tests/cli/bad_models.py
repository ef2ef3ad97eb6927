"""Model files that cannot be explained, each with words that its refusal must hold."""

import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from tests import tiny_models
from tests.tiny_models import SIZE, save_model

Builder = Callable[[Path], Path]
"""From an empty directory to a path in it."""

Node = helper.make_node


def _content(content: bytes) -> Builder:
    def build(folder: Path) -> Path:
        path = folder / "model.onnx"
        path.write_bytes(content)
        return path

    return build


def _directory(folder: Path) -> Path:
    path = folder / "model.onnx"
    path.mkdir()
    return path


def _zip(folder: Path) -> Path:
    path = folder / "model.onnx"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", b"weights")
    return path


def truncated(folder: Path, keep: float) -> Path:
    """The first part of a good model."""
    path = tiny_models.small_network(folder / "model.onnx")
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * keep)])
    return path


def _truncated(keep: float) -> Builder:
    return lambda folder: truncated(folder, keep)


def _cut_after_the_graph(folder: Path) -> Path:
    """Still a valid message: the operator sets come after the graph."""
    path = tiny_models.small_network(folder / "model.onnx")
    model = onnx.load(path)
    del model.opset_import[:]
    path.write_bytes(model.SerializeToString())
    return path


def _model(*nodes: onnx.NodeProto, opset: int = 17) -> Builder:
    constants: dict[str, tiny_models.Array] = {
        "whole": np.arange(3, dtype=np.int64).reshape(1, 3, 1, 1),
        "five": np.ones((1, 5, *SIZE), np.float32),
        "kernel": np.ones((4, 5, 3, 3), np.float32),
        "wrong_shape": np.array([7, 7, 7], np.int64),
        "none": np.array([0], np.int64),
        "class_axis": np.array([1], np.int64),
        "zero": np.array(0, np.float32),
        "one": np.array(1, np.float32),
        "true": np.array([True]),
        "to_thousand": np.ones((3, 1000), np.float32),
    }

    def build(folder: Path) -> Path:
        return save_model(folder / "model.onnx", nodes, input_shape=["N", 3, *SIZE], constants=constants, opset=opset)

    return build


def _operator(name: str, **attributes: str) -> Builder:
    return _model(Node(name, ["image"], ["scores"], name="the_node", **attributes))


def _unreadable_operator(folder: Path) -> Path:
    path = _operator("Sharpen")(folder)
    path.write_bytes(path.read_bytes().replace(b"Sharpen", b"\xce\xcearpen"))
    return path


def _with_domain(folder: Path) -> Path:
    path = _operator("Sharpen", domain="org.example")(folder)
    model = onnx.load(path)
    model.opset_import.append(helper.make_opsetid("org.example", 3))
    onnx.save(model, path)
    return path


def _in_a_branch(folder: Path) -> Path:
    then_branch, else_branch = (
        helper.make_graph(
            [Node("Sharpen", ["image"], ["sharp"], name="inner_node", domain="org.example")],
            name,
            [],
            [helper.make_tensor_value_info("sharp", TensorProto.FLOAT, None)],
        )
        for name in ("then", "else")
    )
    return _model(Node("If", ["true"], ["scores"], then_branch=then_branch, else_branch=else_branch))(folder)


def _ir_version(folder: Path) -> Path:
    path = tiny_models.small_network(folder / "model.onnx")
    model = onnx.load(path)
    model.ir_version = 999
    onnx.save(model, path)
    return path


def _inputs(*shapes: tuple[int | str, ...] | None, kind: int = TensorProto.FLOAT) -> Builder:
    """A model that sums its inputs, whatever they are."""

    def build(folder: Path) -> Path:
        names = [f"input_{number}" for number in range(len(shapes))]
        graph = helper.make_graph(
            [Node("Sum" if kind == TensorProto.FLOAT else "Identity", names, ["scores"])],
            "tiny",
            [helper.make_tensor_value_info(name, kind, shape) for name, shape in zip(names, shapes, strict=True)],
            [helper.make_tensor_value_info("scores", kind, None)],
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        onnx.save(model, folder / "model.onnx")
        return folder / "model.onnx"

    return build


def _no_input(folder: Path) -> Path:
    path = tiny_models.small_network(folder / "model.onnx")
    model = onnx.load(path)
    image = numpy_helper.from_array(np.zeros((1, 3, *SIZE), np.float32), "image")
    del model.graph.input[:]
    model.graph.initializer.append(image)
    onnx.save(model, path)
    return path


def _sequence_output(folder: Path) -> Path:
    path = _model(Node("SequenceConstruct", ["image", "image"], ["scores"]))(folder)
    model = onnx.load(path)
    del model.graph.output[:]
    model.graph.output.append(helper.make_tensor_sequence_value_info("scores", TensorProto.FLOAT, None))
    onnx.save(model, path)
    return path


def external(folder: Path, *, location: str = "weights.bin", **fields: str) -> Path:
    """A good model with its weights in `folder/model/weights.bin`, that says they are elsewhere."""
    home = folder / "model"
    home.mkdir()
    path = home / "model.onnx"
    whole = onnx.load(tiny_models.small_network(folder / "whole.onnx"))
    onnx.save_model(whole, str(path), save_as_external_data=True, location="weights.bin", size_threshold=0)
    (folder / "weights.bin").write_bytes((home / "weights.bin").read_bytes())
    model = onnx.load(path, load_external_data=False)
    for entry in (entry for tensor in model.graph.initializer for entry in tensor.external_data):
        entry.value = {"location": location, **fields}.get(entry.key, entry.value)
    path.write_bytes(model.SerializeToString())
    return path


def _external(location: str = "weights.bin", **fields: str) -> Builder:
    return lambda folder: external(folder, location=location, **fields)


def _external_absolute(folder: Path) -> Path:
    return external(folder, location=str(folder / "model" / "weights.bin"))


def _external_link(folder: Path) -> Path:
    path = external(folder, location="link.bin")
    (path.parent / "link.bin").symlink_to(folder / "weights.bin")
    return path


def _external_in_a_constant(folder: Path) -> Path:
    """The weights of a Constant node, which are no initialiser."""
    tensor = numpy_helper.from_array(np.ones((1, 3, *SIZE), np.float32), "value")
    onnx.external_data_helper.set_external_data(tensor, "../weights.bin")
    tensor.ClearField("raw_data")
    nodes = [Node("Constant", [], ["weights"], value=tensor), Node("Add", ["image", "weights"], ["scores"])]
    return _model(*nodes)(folder)


def nan_when_masked(folder: Path) -> Path:
    """Finite on a picture whose mean is above 0.4, NaN on a darker one: adds 0 * sqrt(mean - 0.4)."""
    constants: dict[str, tiny_models.Array] = {
        "limit": np.array(0.4, np.float32),
        "zero": np.array(0, np.float32),
        "half": np.array(0.5, np.float32),
    }
    nodes = [
        Node("ReduceMean", ["image"], ["mean"], axes=[1, 2, 3], keepdims=1),
        Node("Sub", ["mean", "limit"], ["above"]),
        Node("Sqrt", ["above"], ["root"]),
        Node("Mul", ["root", "zero"], ["nothing"]),
        Node("Sub", ["image", "half"], ["bright"]),
        Node("Neg", ["bright"], ["dark"]),
        Node("Concat", ["dark", "bright"], ["exact"], axis=1),
        Node("Add", ["exact", "nothing"], ["scores"]),
    ]
    return save_model(folder / "model.onnx", nodes, input_shape=["N", 1, *SIZE], constants=constants)


def stops_when_masked(folder: Path) -> Path:
    """Runs on a picture whose mean is above 0.4; on a darker one a Gather asks for what is not there, as an error."""
    constants: dict[str, tiny_models.Array] = {
        "limit": np.array(0.4, np.float32),
        "nothing": np.zeros((1, 1, 1, 1), np.float32),
        "half": np.array(0.5, np.float32),
        "only": np.array([0], np.int64),
    }
    nodes = [
        Node("ReduceMean", ["image"], ["mean"], keepdims=0),
        Node("Less", ["mean", "limit"], ["dark_picture"]),
        Node("Cast", ["dark_picture"], ["index"], to=TensorProto.INT64),
        Node("Add", ["index", "only"], ["place"]),
        Node("Gather", ["nothing", "place"], ["zero"], axis=0),
        Node("Sub", ["image", "half"], ["bright"]),
        Node("Neg", ["bright"], ["dark"]),
        Node("Concat", ["dark", "bright"], ["exact"], axis=1),
        Node("Add", ["exact", "zero"], ["scores"]),
    ]
    return save_model(folder / "model.onnx", nodes, input_shape=["N", 1, *SIZE], constants=constants)


_NO_FILE = ("model", "model.onnx", "no existing file", "expected an ONNX file")
_NO_ONNX = ("model.onnx", "is no ONNX file, or a truncated one", "copy or export the model again")

BAD_MODELS: dict[str, tuple[Builder, tuple[str, ...]]] = {
    "missing": (lambda folder: folder / "model.onnx", _NO_FILE),
    "in a missing directory": (lambda folder: folder / "nowhere" / "model.onnx", _NO_FILE),
    "below a file": (lambda folder: _content(b"x")(folder) / "model.onnx", _NO_FILE),
    "a name that is too long": (lambda folder: folder / ("m" * 300), ("cannot be read", "File name too long")),
    "directory": (_directory, ("is a directory; expected an ONNX file",)),
    "empty": (_content(b""), (*_NO_ONNX, "(0 bytes)", "it has no operators")),
    "text": (_content(b"Dear model, please segment.\n" * 20), (*_NO_ONNX, "begins with b'Dear model,")),
    "web page": (_content(b"<!DOCTYPE html><html></html>"), (*_NO_ONNX, "an HTML or XML text")),
    "PNG": (_content(b"\x89PNG\r\n\x1a\n" + bytes(50)), (*_NO_ONNX, "a PNG image")),
    "zip": (_zip, (*_NO_ONNX, "a zip archive, as PyTorch and Keras save them")),
    "Git LFS pointer": (
        _content(b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n"),
        (*_NO_ONNX, "git lfs pull"),
    ),
    "random bytes": (_content(np.random.default_rng(0).bytes(4096)), ("model.onnx", "truncated one")),
    "zeros": (_content(bytes(4096)), ("model.onnx", "truncated one")),
    **{f"truncated to {keep:.0%}": (_truncated(keep), _NO_ONNX) for keep in (0.01, 0.1, 0.5, 0.9, 0.99)},
    "cut after the graph": (_cut_after_the_graph, (*_NO_ONNX, "it has no operator set")),
    "future opset": (
        _model(Node("Relu", ["image"], ["scores"]), opset=999),
        ("uses opset 999", "knows opsets up to", "export with an older opset"),
    ),
    "negative opset": (
        _model(Node("Relu", ["image"], ["scores"]), opset=-(2**60)),
        ("uses opset -", "knows opsets up to"),
    ),
    "future format": (_ir_version, ("cannot load", "IR version: 999")),
    "custom operator": (
        _with_domain,
        ("'the_node'", "custom operator org.example::Sharpen", "(opset 3)", "export the model with standard operators"),
    ),
    "custom operator in a branch": (_in_a_branch, ("'inner_node'", "org.example::Sharpen", "opset not declared")),
    "unknown operator": (
        _operator("Sharpen"),
        ("'the_node'", "operator Sharpen, which opset 17 of ONNX does not have"),
    ),
    "unreadable operator": (_unreadable_operator, ("'the_node'", "operator b'\\xce\\xcearpen', which opset 17")),
    "operator of a newer opset": (_operator("Gelu"), ("'the_node'", "operator Gelu, which opset 17")),
    "unknown operator of ONNX Runtime": (_operator("Sharpen", domain="com.microsoft"), ("cannot load", "Sharpen")),
    "types that do not go together": (
        _model(Node("Add", ["image", "whole"], ["scores"], name="the_node")),
        ("cannot load", "Type Error", "the_node"),
    ),
    "shapes that do not go together": (
        _model(Node("Add", ["image", "five"], ["scores"], name="the_node")),
        ("cannot load", "the_node", "Incompatible dimensions"),
    ),
    "a tensor from nowhere": (_model(Node("Add", ["image", "nowhere"], ["scores"])), ("cannot load", "nowhere")),
    "failing when it runs": (
        _model(Node("Conv", ["image", "kernel"], ["scores"], name="the_node")),
        ("model.onnx", "kernel channels: 5"),
    ),
    "a reshape that fails when it runs": (
        _model(Node("Reshape", ["image", "wrong_shape"], ["scores"], name="the_node")),
        ("could not run", "the_node", "requested shape:{7,7,7}"),
    ),
    "no input": (_no_input, ("expected one image input, the model has 0",)),
    "two image inputs": (
        _inputs(("N", 3, *SIZE), ("N", 3, *SIZE)),
        ("expected one image input, the model has 2: input_0, input_1",),
    ),
    "four spatial axes": (_inputs(("N", 1, 16, 16, 16, 16)), ("volume's of rank 5", "'input_0' has rank 6")),
    "vector": (_inputs(("N", 3)), ("rank 4", "'input_0' has rank 2")),
    "input without a shape": (_inputs(None), ("rank 4", "'input_0'")),
    "int32 image": (
        _inputs(("N", 3, *SIZE), kind=TensorProto.INT32),
        ("'input_0' is INT32; expected FLOAT, FLOAT16, DOUBLE or UINT8",),
    ),
    "unknown element type": (
        _inputs(("N", 3, *SIZE), kind=99),
        ("'input_0' is of the unknown type 99; expected FLOAT",),
    ),
    "classifier": (
        _model(
            Node("GlobalAveragePool", ["image"], ["pooled"]),
            Node("Flatten", ["pooled"], ["features"]),
            Node("MatMul", ["features", "to_thousand"], ["scores"]),
        ),
        ("no output is a segmentation", "20x24", "scores [1, 1000]", "classifier"),
    ),
    "classifier with pixels": (
        _model(Node("GlobalAveragePool", ["image"], ["scores"])),
        ("no output is a segmentation", "scores [1, 3, 1, 1]"),
    ),
    "no classes": (
        _model(Node("Slice", ["image", "none", "none", "class_axis"], ["scores"])),
        ("no output is a segmentation", "scores [1, 0, 20, 24]"),
    ),
    "images beyond any memory": (_inputs(("N", 3, 200_000, 200_000)), ("200000x200000", "at most 100,000,000 pixels")),
    "sequence output": (_sequence_output, ("no output is a segmentation",)),
    "NaN": (
        _model(Node("Div", ["zero", "zero"], ["nan"]), Node("Add", ["image", "nan"], ["scores"])),
        ("expected finite scores, got NaN", "preprocessing"),
    ),
    "infinity": (
        _model(Node("Div", ["one", "zero"], ["inf"]), Node("Add", ["image", "inf"], ["scores"])),
        ("expected finite scores, got infinity", "preprocessing"),
    ),
    "missing external data": (_external("nowhere.bin"), ("'nowhere.bin', which is not there: copy that file",)),
    "external data above it": (_external("../weights.bin"), ("'../weights.bin', which is outside its directory",)),
    "external data by absolute path": (_external_absolute, ("which is outside its directory",)),
    "external data behind a link": (_external_link, ("'link.bin', which is outside its directory",)),
    "external data of a constant": (_external_in_a_constant, ("'value'", "which is outside its directory")),
    "external data in a directory": (_external("../model"), ("which is not there",)),
    "external data without a place": (_external(""), ("which is outside its directory",)),
    "external data with a name that is too long": (_external("w" * 300), ("which is no path of a file",)),
    "external data cut off": (_external(length="999999"), ("expected 999,999 bytes", "copy or export it again")),
    "external data before its file": (_external(offset="-8"), ("expected", "bytes from byte -8 on")),
    "external data at no number": (_external(offset="here"), ("expected an offset and a length",)),
}
"""Name -> how to build it, and words of the message."""
