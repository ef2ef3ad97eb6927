"""Quantised tensors, with a rounding that the gradient does not see (straight-through, Bengio et al. 2013)."""

import onnx

from misure_onnx.gradients.onnx_gradient.rules.rule import Gradients, Rule
from misure_onnx.gradients.onnx_gradient.site import Site
from misure_onnx.gradients.onnx_gradient.values import Array


def _quantise(site: Site) -> Gradients:
    """y = clamp(round(x / scale) + zero): dx = dy / scale where the clamp changes nothing."""
    w, scale = site.write, _parameter(site, 1)
    steps = w.node("Round", w.divide(site.input(0), w.constant(scale)))
    if site.has(2):
        steps = w.add(steps, w.constant(_parameter(site, 2)))
    unclamped = w.indicator(w.node("Equal", steps, w.node("Cast", site.result, to=onnx.TensorProto.FLOAT)))
    return [w.multiply(w.divide(site.upstream, w.constant(scale)), unclamped)]


def _dequantise(site: Site) -> Gradients:
    """y = (x - zero) * scale."""
    return [site.write.multiply(site.upstream, site.write.constant(_parameter(site, 1)))]


def _parameter(site: Site, k: int) -> Array:
    """Scale or zero point of a tensor, or one a slice along an axis, as float32 that broadcasts."""
    if site.integer("block_size", 0):
        raise site.refusal("scales a block; one a tensor or a slice is known")
    values = site.required(k).astype("float32")
    if values.size == 1:
        return values.reshape(())
    rank = len(site.shape())
    return values.reshape([-1 if axis == site.integer("axis", 1) % rank else 1 for axis in range(rank)])


RULES: dict[str, Rule] = {
    "DequantizeLinear": _dequantise,
    "QuantizeLinear": _quantise,
}
