"""One graph from masks to counts: blend, model and comparison of the classes, so that no scores leave the runtime.

The counts give the hard Dice exactly: 2 both / (found + |region|), with both = |found and region|.
"""

from dataclasses import dataclass

import numpy as np
import onnx
from onnx import helper, version_converter

from misure_onnx.errors import UnsupportedModel
from misure_onnx.graph.input_signature import InputSignature
from misure_onnx.graph.load import opset_version
from misure_onnx.graph.output_signature import OutputSignature
from misure_onnx.graph.writer import GraphWriter
from misure_onnx.lattice import Lattice
from misure_onnx.types import Size

MASKS, IMAGE, BASELINE, REGION, DOMAIN = (
    f"scoring/{name}" for name in ("masks", "image", "baseline", "region", "domain")
)
BOTH, FOUND, CHECK = "scoring/both", "scoring/found", "scoring/check"
OWN, RIVAL = "scoring/own", "scoring/rival"

_LOWEST_OPSET, _CONVERTED_TO = 13, 17
_NUMBERS: dict[type, int] = {
    np.float32: onnx.TensorProto.FLOAT,
    np.float16: onnx.TensorProto.FLOAT16,
    np.float64: onnx.TensorProto.DOUBLE,
    np.uint8: onnx.TensorProto.UINT8,
}


@dataclass(frozen=True)
class Scoring:
    """What is asked of a model.

    Attributes:
        input, output: its image input, and the output that is explained.
        class_index: l, the target's class.
        rival: the only class that it is compared with; None: all.
        size: (H, W) of the image, (D, H, W) of a volume.
        output_size: (h, w) of the output for such an image.
        mask_size: of the masks; another one than the image's is resized bilinearly (half-pixel centres).
        lattices: points at which the scores of the class and of its strongest rival are given as well.
    """

    input: InputSignature
    output: OutputSignature
    class_index: int
    rival: int | None
    size: Size
    output_size: Size
    mask_size: Size
    lattices: tuple[Lattice, ...]

    @property
    def at_points(self) -> list[str]:
        """Names of the outputs with scores at points: of each lattice the class's, then its rival's."""
        return [f"{name}_{index}" for index in range(len(self.lattices)) for name in (OWN, RIVAL)]


def scoring_graph(model: onnx.ModelProto, asked: Scoring) -> onnx.ModelProto:
    """The model with its image blended from masks before it and its prediction counted after it.

    Args:
        model: with its weights; it is not changed. The nodes between its input and output stay as they are.
        asked: what is counted.

    Returns:
        Inputs: `MASKS` (N, 1, *mask_size), `IMAGE` and `BASELINE` (1, C, H, W) or (1, H, W, C) as the model has its
        input, `REGION` and `DOMAIN` (1, 1, H, W), all float32. Outputs, each (N,) float32: `BOTH` and `FOUND`, the
        predicted pixels of the domain that are in the region, and all of them; `CHECK`, which is finite where
        every pixel's scores are usable (see `Head.membership`). And `asked.at_points`, each (N, 32, 32) float32, what
        `Head.lead` takes (of labels 1 and 0 where the class is predicted, 0 and 1 elsewhere).

    Raises:
        UnsupportedModel: a label map of another size than the image, or an opset that cannot be raised to 13.
    """
    if asked.output.head.kind == "labels" and asked.output_size != asked.size:
        raise UnsupportedModel("a label map is only counted inside the graph where it has the size of the image")
    wrapped = _of_usable_opset(model)
    write = GraphWriter(opset_version(wrapped), {name for node in wrapped.graph.node for name in node.output}, "fused")
    before = _blended(write, asked)
    write.nodes = []
    _write_counts(write, asked)
    graph = wrapped.graph
    nodes = [*before, *graph.node, *write.nodes]
    inputs = [value for value in graph.input if value.name != asked.input.name] + _inputs(asked)
    for field, values in (("node", nodes), ("input", inputs)):
        graph.ClearField(field)
        getattr(graph, field).extend(values)
    graph.ClearField("output")
    graph.ClearField("value_info")  # shapes for the batch that the file declares
    graph.output.extend(helper.make_empty_tensor_value_info(name) for name in (BOTH, FOUND, CHECK, *asked.at_points))
    graph.initializer.extend(write.constants)
    return wrapped


def _of_usable_opset(model: onnx.ModelProto) -> onnx.ModelProto:
    if opset_version(model) >= _LOWEST_OPSET:
        copy = onnx.ModelProto()
        copy.CopyFrom(model)
        return copy
    try:
        return version_converter.convert_version(model, _CONVERTED_TO)
    except Exception as error:
        raise UnsupportedModel(
            f"opset {opset_version(model)} cannot be raised to {_CONVERTED_TO}: {error}; score outside the graph"
        ) from error


def _inputs(asked: Scoring) -> list[onnx.ValueInfoProto]:
    channels, size = asked.input.channels, asked.size
    picture = [1, channels, *size] if asked.input.layout.startswith("NC") else [1, *size, channels]
    shapes: dict[str, list[int | str]] = {
        MASKS: [asked.input.batch or "N", 1, *asked.mask_size],
        IMAGE: [*picture],
        BASELINE: [*picture],
        REGION: [1, 1, *size],
        DOMAIN: [1, 1, *size],
    }
    return [helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape) for name, shape in shapes.items()]


def _blended(write: GraphWriter, asked: Scoring) -> list[onnx.NodeProto]:
    """x * M + b * (1 - M), as `perturbation.blend` computes it, in the model's layout and type."""
    kept = MASKS if asked.mask_size == asked.size else _resized(write, MASKS, 1, asked.size)
    if not asked.input.layout.startswith("NC"):
        kept = write.reshape(kept, [-1, *asked.size, 1])
    removed = write.multiply(BASELINE, write.subtract(write.number(1), kept))
    own = write.add(write.multiply(IMAGE, kept), removed)
    if asked.input.dtype == np.uint8:
        own = write.node("Clip", write.node("Round", own), write.number(0), write.number(255))
    own = write.node("Cast", own, to=_NUMBERS[asked.input.dtype.type])
    return [*write.nodes, helper.make_node("Identity", [own], [asked.input.name])]


def _resized(write: GraphWriter, planes: str, channels: int, size: Size) -> str:
    """(N, K, h, w) -> (N, K, H, W), bilinear with half-pixel centres."""
    n = write.node("Slice", write.node("Shape", planes), *(write.integers([v]) for v in (0, 1, 0)))
    sizes = write.node("Concat", n, write.integers([channels, *size]), axis=0)
    return write.node("Resize", planes, "", "", sizes, mode="linear", coordinate_transformation_mode="half_pixel")


def _write_counts(write: GraphWriter, asked: Scoring) -> None:
    predicted, check, compared = _predicted(write, asked)
    found = write.multiply(write.reshape(write.indicator(predicted), [-1, 1, *asked.size]), DOMAIN)
    for name, plane in ((BOTH, write.multiply(found, REGION)), (FOUND, found), (CHECK, check)):
        rows = write.sum(plane, [-1], keepdims=True)
        axes = range(1, 2 + len(asked.size))
        write.nodes.append(helper.make_node("Identity", [write.sum(rows, axes, keepdims=False)], [name]))
    planes = [write.reshape(plane, [-1, *asked.size]) for plane in compared]
    at_points = [_at_points(write, plane, lattice) for lattice in asked.lattices for plane in planes]
    for name, points in zip(asked.at_points, at_points, strict=True):
        write.nodes.append(helper.make_node("Identity", [points], [name]))


def _at_points(write: GraphWriter, plane: str, lattice: Lattice) -> str:
    """(N, H, W) -> (N, 32, 32)."""
    for axis, rows in enumerate(lattice.axes, start=1):
        plane = write.node("Gather", plane, write.constant(rows), axis=axis)
    return plane


def _predicted(write: GraphWriter, asked: Scoring) -> tuple[str, str, tuple[str, str]]:
    """Where the class is predicted (its axis of length 1), as `Head.membership` has it; planes to check; own, rival."""
    output, head = asked.output, asked.output.head
    if head.kind == "labels":
        label = write.constant(np.array(asked.class_index, np.int64))
        labels = write.reshape(write.node("Cast", output.name, to=onnx.TensorProto.INT64), [-1, 1, *asked.size])
        predicted, check = write.node("Equal", labels, label), write.node("Cast", labels, to=onnx.TensorProto.FLOAT)
        own = write.indicator(predicted)
        return predicted, check, (own, write.subtract(write.number(1), own))
    scores, axis = _scores(write, asked)
    own = write.slice(scores, asked.class_index, asked.class_index + 1, axis)
    if not head.exclusive and asked.rival is None:
        limit = write.number(head.score_threshold)
        return write.node("Greater", own, limit), own, (own, write.add(write.multiply(own, write.number(0)), limit))
    predicted, check, strongest = "", own, ""
    for start, stop, comparison in _rivals(asked):
        if start == stop:
            continue
        rivals = write.slice(scores, start, stop, axis)
        highest = rivals if stop - start == 1 else write.maximum(rivals, axis)
        wins = write.node(comparison, own, highest)
        predicted = write.node("And", predicted, wins) if predicted else wins
        check = write.add(check, highest)
        strongest = write.node("Max", strongest, highest) if strongest else highest
    return predicted or write.node("Equal", own, own), check, (own, strongest or own)


def _rivals(asked: Scoring) -> list[tuple[int, int, str]]:
    """Classes from, to, and how the target's must compare with them: of equal scores the first class wins."""
    own, rival = asked.class_index, asked.rival
    if rival is None:
        return [(0, own, "Greater"), (own + 1, asked.output.classes, "GreaterOrEqual")]
    return [(rival, rival + 1, "Greater" if rival < own else "GreaterOrEqual")]


def _scores(write: GraphWriter, asked: Scoring) -> tuple[str, int]:
    """The output as float32 with all its axes at the size of the image, and the axis of its classes."""
    output, classes, last = asked.output, asked.output.classes, len(asked.size) + 1
    scores = write.node("Cast", output.name, to=onnx.TensorProto.FLOAT)
    shape = [-1, classes, *asked.output_size] if output.classes_first else [-1, *asked.output_size, classes]
    scores = write.reshape(scores, shape)
    if asked.output_size == asked.size:
        return scores, 1 if output.classes_first else last
    planes = scores if output.classes_first else write.transpose(scores, [0, last, *range(1, last)])
    return _resized(write, planes, classes, asked.size), 1
