"""The layers of a graph that a class activation map can be taken from, and which one where nobody says.

Axes: N images, C channels, H rows, W columns; T tokens, D features of a token.
"""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import onnx

from misure_onnx.errors import ParameterError
from misure_onnx.graph.layer_axes import Axes, axes_of_tensors
from misure_onnx.graph.paths import from_tensor, names_read, to_tensor
from misure_onnx.types import AnyArray, FloatArray

_WEIGHTED = frozenset({"Conv", "ConvTranspose", "FusedConv", "MatMul", "Gemm"})
_POOLING = frozenset({"MaxPool", "AveragePool", "LpPool"})
_SIDE_BRANCH = 16
_WIDE = frozenset({"Conv", "FusedConv"})
_POINTWISE = frozenset({
    "BatchNormalization", "InstanceNormalization", "Relu", "LeakyRelu", "PRelu", "Elu", "Selu", "Celu", "Gelu",
    "Sigmoid", "HardSigmoid", "HardSwish", "Tanh", "Clip", "Softplus", "Softsign", "Mish", "Identity", "Dropout",
    "Cast", "QuantizeLinear", "DequantizeLinear",
})  # fmt: skip
"""They belong to the layer before them: an activation is listed once, as the last of them leaves it."""


@dataclass(frozen=True)
class Layer:
    """A tensor inside the graph, seen as feature maps.

    Attributes:
        name: in the file.
        operator: of the node that makes it.
        axes: as the file has them.
        channels: C, or D of tokens.
        size: (h, w).
    """

    name: str
    operator: str
    axes: Literal["NCHW", "NHWC", "NTD"]
    channels: int
    size: tuple[int, int]

    def planes(self, values: AnyArray) -> FloatArray:
        """Values as the file has them, (N, ...) -> (N, channels, h, w) float32."""
        own = np.asarray(values, np.float32)
        if self.axes == "NCHW":
            return own
        return own.reshape(len(own), *self.size, self.channels).transpose(0, 3, 1, 2)

    def values(self, planes: FloatArray) -> FloatArray:
        """The other way."""
        if self.axes == "NCHW":
            return planes
        last = np.ascontiguousarray(planes.transpose(0, 2, 3, 1))
        return last if self.axes == "NHWC" else last.reshape(len(planes), -1, self.channels)


@dataclass(frozen=True, eq=False)
class LayerGraph:
    """Where layers are looked for.

    Attributes:
        model: the graph; weights are not needed.
        image, scores: its two ends.
        image_axes: how the axes of the image input lie.
        image_size: (H, W).
    """

    model: onnx.ModelProto
    image: str
    scores: str
    image_axes: Axes
    image_size: tuple[int, int]

    def on_the_way(self) -> list[str]:
        """All tensors that depend on the image and reach the scores, in the graph's order, without these two."""
        nodes = list(self.model.graph.node)
        both = from_tensor(nodes, self.image) & to_tensor(nodes, self.scores)
        return [name for node in nodes for name in node.output if name in both - {self.image, self.scores}]

    def feature_maps(self) -> list[str]:
        """Those of them whose axes are known to be those of feature maps."""
        known = axes_of_tensors(self.model, self.image, self.image_axes)
        return [name for name in self.on_the_way() if name in known]


def candidate_layers(graph: LayerGraph, shapes: Mapping[str, tuple[int, ...]]) -> tuple[Layer, ...]:
    """Feature maps of at least 2x2, each as its activation function leaves it, that weights follow.

    Tensors after the last weights are the scores already; they are listed only in a graph that has no weights.

    Args:
        graph: where to look.
        shapes: of the tensors of `LayerGraph.feature_maps`, measured for one image.
    """
    axes = axes_of_tensors(graph.model, graph.image, graph.image_axes)
    single = _only_readers(graph.model.graph.node)
    found = []
    for name in graph.feature_maps():
        reader = single.get(name)
        if reader is not None and reader.op_type in _POINTWISE and graph.scores not in reader.output:
            continue
        layer = _spatial(name, _maker(graph.model, name), axes[name], shapes[name])
        if layer is not None and min(layer.size) >= 2:
            found.append(layer)
    weighted = _before_weights(graph)
    return tuple(layer for layer in found if layer.name in weighted) or tuple(found)


def default_layer(
    graph: LayerGraph, candidates: Sequence[Layer], shapes: Mapping[str, tuple[int, ...]]
) -> tuple[Layer, str]:
    """The bottleneck, and why it was taken, in a sentence.

    It is the deepest candidate of the smallest size on which a convolution wider than one pixel works. What is smaller,
    or has less than a sixteenth of the channels of the widest candidate, are side branches (squeeze and excitation,
    pyramid pooling, attention maps); and what pooling gives is looked at by no weights yet.

    Raises:
        ParameterError: there is no candidate.
    """
    if not candidates:
        raise ParameterError(
            "no layer of this model holds feature maps (4 axes, at least 2x2) on the way from the image to the scores: "
            "use a method without layers (gradient, smooth_grad, misure, rise)"
        )
    widest = max(layer.channels for layer in candidates)
    computed = [layer for layer in candidates if layer.operator not in _POOLING] or list(candidates)
    full = [layer for layer in computed if _SIDE_BRANCH * layer.channels >= widest] or computed
    kernels = {tensor.name: tensor.dims for tensor in graph.model.graph.initializer}
    convolutions = [node for node in graph.model.graph.node if _is_wide(node, kernels)]
    wide = {shapes[node.output[0]][2:] for node in convolutions if node.output[0] in shapes}
    sizes = {layer.size for layer in full}
    smallest = min(sizes & wide or sizes, key=lambda size: size[0] * size[1])
    chosen = [layer for layer in full if layer.size == smallest][-1]
    described = f"{chosen.operator}, {chosen.channels} channels, {smallest[0]}x{smallest[1]}"
    return chosen, (
        f"layer {chosen.name!r} ({described}) was taken: the deepest activation of the smallest size among "
        f"{len(candidates)} candidates"
    )


def named_layer(graph: LayerGraph, name: str, shape: tuple[int, ...] | None) -> Layer:
    """A layer that the user named: any feature map, or tokens that lie on a grid.

    Args:
        graph: where to look.
        name: of the tensor.
        shape: measured for one image; None: there is no such tensor.

    Raises:
        ParameterError: no such tensor between image and scores, or it is no grid of features.
    """
    names = graph.on_the_way()
    if name not in names or shape is None:
        near = difflib.get_close_matches(name, names, n=3, cutoff=0.3)
        raise ParameterError(
            f"layer {name!r} is no tensor between the image and the scores of this model; "
            + (f"did you mean {', '.join(near)}? " if near else "")
            + "`misure inspect MODEL --layers` lists the candidates"
        )
    maker = _maker(graph.model, name)
    if len(shape) == 3:
        return _tokens(name, maker, shape, graph.image_size)
    axes = axes_of_tensors(graph.model, graph.image, graph.image_axes).get(name) or _by_aspect(shape, graph.image_size)
    layer = _spatial(name, maker, axes, shape) if axes else None
    if layer is None:
        raise ParameterError(
            f"layer {name!r} has shape {list(shape)}: expected feature maps (1, C, h, w) or (1, h, w, C) of the aspect "
            f"of the image ({graph.image_size[0]}x{graph.image_size[1]}), or tokens (1, h*w, D)"
        )
    return layer


def _spatial(name: str, operator: str, axes: Axes, shape: tuple[int, ...]) -> Layer | None:
    if len(shape) != 4 or shape[0] != 1 or 0 in shape:
        return None
    rows = 2 if axes == "NCHW" else 1
    return Layer(name, operator, axes, shape[1] if axes == "NCHW" else shape[3], (shape[rows], shape[rows + 1]))


def _tokens(name: str, operator: str, shape: tuple[int, ...], image_size: tuple[int, int]) -> Layer:
    """(1, T, D), T = (H / s) * (W / s) for a whole stride s."""
    tokens = {
        (h // s) * (w // s): (h // s, w // s)
        for h, w in [image_size]
        for s in range(1, min(h, w) + 1)
        if not h % s and not w % s
    }
    if shape[0] != 1 or shape[1] not in tokens:
        grids = ", ".join(f"{h}x{w}" for h, w in tokens.values() if h * w <= 4 * shape[1])
        more = " (one more than a grid: a class token, which has no place)" if shape[1] - 1 in tokens else ""
        raise ParameterError(
            f"layer {name!r} has shape {list(shape)}: {shape[1]} tokens are no grid of the image "
            f"{image_size[0]}x{image_size[1]}{more}; expected (1, h*w, D) with h*w one of {grids}"
        )
    return Layer(name, operator, "NTD", shape[2], tokens[shape[1]])


def _by_aspect(shape: tuple[int, ...], image_size: tuple[int, int]) -> Axes | None:
    """Of a tensor whose history does not tell: rows and columns are the two axes with the image's aspect."""
    if len(shape) != 4:
        return None
    fits = {axes: shape[k] * image_size[1] == shape[k + 1] * image_size[0] for axes, k in (("NCHW", 2), ("NHWC", 1))}
    return "NCHW" if fits["NCHW"] else "NHWC" if fits["NHWC"] else None


def _maker(model: onnx.ModelProto, name: str) -> str:
    return next(node.op_type for node in model.graph.node if name in node.output)


def _only_readers(nodes: Sequence[onnx.NodeProto]) -> dict[str, onnx.NodeProto]:
    """Tensors that one node alone reads, and that node."""
    readers: dict[str, list[onnx.NodeProto]] = {}
    for node in nodes:
        for name in set(names_read(node)):
            readers.setdefault(name, []).append(node)
    return {name: nodes[0] for name, nodes in readers.items() if len(nodes) == 1}


def _before_weights(graph: LayerGraph) -> set[str]:
    """Tensors that a node with weights reads, directly or not, on the way to the scores."""
    nodes = list(graph.model.graph.node)
    useful = to_tensor(nodes, graph.scores)
    return to_tensor(
        nodes, [n for node in nodes if node.op_type in _WEIGHTED and node.output[0] in useful for n in node.input]
    )


def _is_wide(node: onnx.NodeProto, kernels: Mapping[str, Sequence[int]]) -> bool:
    """Whether a convolution sees more than one pixel, by its weights (N, C, h, w), or else by its attribute."""
    if node.op_type not in _WIDE:
        return False
    declared = next((list(a.ints) for a in node.attribute if a.name == "kernel_shape"), [])
    kernel = list(kernels.get(node.input[1], ()))[2:] or declared
    return bool(kernel) and max(kernel) > 1
