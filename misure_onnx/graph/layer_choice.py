"""The layer of a deployed file, for one image."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from onnx import helper

from misure_onnx.errors import ParameterError
from misure_onnx.graph.exposed import with_outputs
from misure_onnx.graph.graph_backed import GraphBacked
from misure_onnx.graph.layer_axes import Axes
from misure_onnx.graph.layers import Layer, LayerGraph, candidate_layers, default_layer, named_layer
from misure_onnx.graph.load import load_with_weights
from misure_onnx.types import Images


@dataclass(frozen=True)
class LayerChoice:
    """A layer, and why it was taken (empty where the user named it)."""

    layer: Layer
    reason: str


def choose_layer(deployed: GraphBacked, image: Images, name: str = "") -> LayerChoice:
    """The named layer, or the bottleneck.

    Args:
        deployed: the file.
        image: (1, C, H, W), for which the layers are measured.
        name: of a tensor; empty: the choice is made here.

    Raises:
        ParameterError: no such layer, no feature maps, or none at all.
        ModelError: ONNX Runtime cannot run the graph.
    """
    graph = layer_graph(deployed, image)
    if name:
        known = name in graph.on_the_way()
        shape = _measured(deployed, [name], image)[name] if known else None
        return LayerChoice(named_layer(graph, name, shape), "")
    shapes = _measured(deployed, graph.feature_maps(), image)
    return LayerChoice(*default_layer(graph, candidate_layers(graph, shapes), shapes))


def list_layers(deployed: GraphBacked, image: Images) -> tuple[tuple[Layer, ...], LayerChoice | None]:
    """All candidates, and which one would be taken; None where there is none."""
    graph = layer_graph(deployed, image)
    shapes = _measured(deployed, graph.feature_maps(), image)
    candidates = candidate_layers(graph, shapes)
    return candidates, LayerChoice(*default_layer(graph, candidates, shapes)) if candidates else None


def layer_graph(deployed: GraphBacked, image: Images) -> LayerGraph:
    """Where the layers of a file are looked for.

    Raises:
        ParameterError: the model takes volumes.
    """
    model = load_with_weights(deployed.path)
    if image.ndim != 4:
        raise ParameterError("layers are looked for in models that take images; this one takes volumes")
    size = (image.shape[2], image.shape[3])
    axes: Axes = "NCHW" if deployed.input.layout == "NCHW" else "NHWC"
    return LayerGraph(model, deployed.input.name, deployed.output.name, axes, size)


def _measured(deployed: GraphBacked, names: Sequence[str], image: Images) -> dict[str, tuple[int, ...]]:
    """True shapes for one image, by nodes that give shapes alone: the tensors themselves would fill the memory."""
    if not names:
        return {}
    model = load_with_weights(deployed.path)
    marks = [f"shape of/{k}" for k in range(len(names))]
    model.graph.node.extend(helper.make_node("Shape", [n], [m]) for n, m in zip(names, marks, strict=True))
    batch = deployed.input.batch or 1
    fed = deployed.input.to_network(np.repeat(image, batch, axis=0))
    measured = deployed.run_edited(with_outputs(model, marks))(marks, {deployed.input.name: fed})
    shapes = [tuple(int(extent) for extent in shape) for shape in measured]
    own = [(1, *shape[1:]) if shape[:1] == (batch,) else shape for shape in shapes]
    return dict(zip(names, own, strict=True))
