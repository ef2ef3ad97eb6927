"""A model with its learned weights destroyed: the numbers of every tensor stay, their places are random.

For the randomisation sanity check (Adebayo et al. 2018). Permuting keeps every tensor's distribution, so that signals
neither vanish nor explode, and needs no knowledge of how the model was initialised.
"""

import math

import numpy as np
import onnx
from onnx import numpy_helper

from misure_onnx.errors import UnsupportedModel

_LEARNED = frozenset(
    {
        "BatchNormalization", "Conv", "ConvInteger", "ConvTranspose", "FusedConv", "FusedMatMul", "GRU", "Gemm",
        "GroupNormalization", "InstanceNormalization", "LSTM", "LayerNormalization", "MatMul", "MatMulInteger", "PRelu",
        "QLinearConv", "QLinearMatMul", "RNN", "SimplifiedLayerNormalization", "SkipLayerNormalization",
    }
)  # fmt: skip
"""Operators whose constant inputs are learned; those of others (sizes, limits, factors of a resize) are not."""

_ON_THE_WAY = frozenset({"Cast", "DequantizeLinear", "Identity", "QuantizeLinear", "Reshape", "Transpose"})
"""Operators between a stored tensor and the layer that uses it; only their first input is followed."""


def permute_weights(model: onnx.ModelProto, output: str, share: float, rng: np.random.Generator) -> onnx.ModelProto:
    """Permutes, in place, the weights of the last layers before an output, and returns the model.

    Args:
        model: with its weights.
        output: name of a graph output.
        share: of the layers with weights that lead to it, the last ones in the order of the file; above 0, 1: all.
        rng: of the permutations.

    Raises:
        UnsupportedModel: no layer that leads to the output has weights.
    """
    layers = weighted_layers(model, output)
    if not layers:
        raise UnsupportedModel("no layer of the model has weights that could be permuted")
    done: set[str] = set()
    for names in layers[-max(1, math.ceil(share * len(layers))) :][::-1]:
        for name in names:
            if name not in done:
                _permute(_stored(model)[name], rng)
                done.add(name)
    return model


def weighted_layers(model: onnx.ModelProto, output: str) -> list[list[str]]:
    """The stored tensors of every layer with weights that leads to an output, in the order of the file."""
    stored = _stored(model)
    producers = {name: node for node in model.graph.node for name in node.output}
    leading, waiting = set[int](), [output]
    while waiting:
        node = producers.get(waiting.pop())
        if node is not None and id(node) not in leading:
            leading.add(id(node))
            waiting += node.input
    layers = []
    for node in producers.values():
        if id(node) in leading and node.op_type in _LEARNED:
            names = [_source(name, producers) for name in node.input]
            weights = [name for name in names if name in stored and math.prod(stored[name].dims) > 1]
            if weights and weights not in layers:
                layers.append(weights)
    return layers


def _stored(model: onnx.ModelProto) -> dict[str, onnx.TensorProto]:
    """Initialisers and the values of Constant nodes, by the name that others read."""
    constants = {
        node.output[0]: attribute.t
        for node in model.graph.node
        if node.op_type == "Constant"
        for attribute in node.attribute
        if attribute.name == "value"
    }
    return {**constants, **{tensor.name: tensor for tensor in model.graph.initializer}}


def _source(name: str, producers: dict[str, onnx.NodeProto]) -> str:
    while name in producers and producers[name].op_type in _ON_THE_WAY:
        name = producers[name].input[0]
    return name


def _permute(tensor: onnx.TensorProto, rng: np.random.Generator) -> None:
    values = numpy_helper.to_array(tensor)
    mixed = rng.permutation(values.ravel()).reshape(values.shape)
    tensor.CopyFrom(numpy_helper.from_array(mixed, tensor.name))
