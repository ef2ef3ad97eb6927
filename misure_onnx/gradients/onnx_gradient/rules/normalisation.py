"""Normalisation layers with constant scale and bias."""

from collections.abc import Sequence

import numpy as np

from misure_onnx.gradients.onnx_gradient.rules.rule import Gradients, Rule
from misure_onnx.gradients.onnx_gradient.site import Site, axis_of, product

_EPSILON = 1e-5


def _batch(site: Site) -> Gradients:
    """By the statistics of training (ONNX Runtime runs no other mode): dx = dy * scale / sqrt(variance + epsilon)."""
    slope = site.required(1) / np.sqrt(site.required(4) + site.number("epsilon", _EPSILON))
    shaped = slope.astype(np.float32).reshape(_per_channel(site))
    return [site.write.multiply(site.upstream, site.write.constant(shaped))]


def _layer(site: Site) -> Gradients:
    if site.needs(1) or site.needs(2):
        raise site.refusal("its scale or bias depends on the image")
    axes = list(range(axis_of(site), len(site.shape())))
    return [_normalised(site, site.input(0), site.write.multiply(site.upstream, site.input(1)), axes, site.shape())]


def _instance(site: Site) -> Gradients:
    scale = site.write.constant(site.required(1).reshape(_per_channel(site)))
    axes = list(range(2, len(site.shape())))
    return [_normalised(site, site.input(0), site.write.multiply(site.upstream, scale), axes, site.shape())]


def _per_channel(site: Site) -> list[int]:
    return [1, -1] + [1] * (len(site.shape()) - 2)


def _normalised(site: Site, x: str, upstream: str, axes: Sequence[int], shape: Sequence[int]) -> str:
    """n = (x - mean) / d, d = sqrt(variance + epsilon): dx = (dn - mean(dn) - n * mean(dn * n)) / d."""
    w, count = site.write, product([shape[axis] for axis in axes])

    def mean(tensor: str) -> str:
        return w.scaled(w.sum(tensor, axes), 1 / count)

    centred = w.subtract(x, mean(x))
    deviation = w.node("Sqrt", w.add(mean(w.multiply(centred, centred)), w.number(site.number("epsilon", _EPSILON))))
    n = w.divide(centred, deviation)
    along = w.multiply(n, mean(w.multiply(upstream, n)))
    return w.divide(w.subtract(w.subtract(upstream, mean(upstream)), along), deviation)


RULES: dict[str, Rule] = {
    "BatchNormalization": _batch,
    "InstanceNormalization": _instance,
    "LayerNormalization": _layer,
}
