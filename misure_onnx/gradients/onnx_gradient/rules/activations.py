"""Activation functions and softmax."""

import math

from misure_onnx.gradients.onnx_gradient.rules.elementwise import of_one_input
from misure_onnx.gradients.onnx_gradient.rules.rule import Gradients, Rule
from misure_onnx.gradients.onnx_gradient.site import Site, axis_of


def _relu(site: Site) -> str:
    """Of the result, not of the input: ONNX Runtime then still fuses Conv and Relu."""
    return site.write.where_positive(site.result)


def _leaky_relu(site: Site) -> str:
    alpha = site.number("alpha", 0.01)
    w = site.write
    return w.add(w.scaled(w.where_positive(site.input(0)), 1 - alpha), w.number(alpha))


def _thresholded_relu(site: Site) -> str:
    w = site.write
    return w.indicator(w.node("Greater", site.input(0), w.number(site.number("alpha", 1.0))))


def _prelu(site: Site) -> Gradients:
    """slope + (1 - slope) * [x > 0]."""
    if site.needs(1):
        raise site.refusal("its slope depends on the image")
    w, slope = site.write, site.input(1)
    rise = w.constant(1 - site.required(1)) if site.is_known(1) else w.subtract(w.number(1), slope)
    derivative = w.add(w.multiply(w.where_positive(site.input(0)), rise), slope)
    return [w.multiply(site.upstream, derivative)]


def _elu(site: Site) -> str:
    """y + alpha = alpha * exp(x) where x <= 0."""
    w = site.write
    below = w.add(site.result, w.number(site.number("alpha", 1.0)))
    return w.node("Where", w.node("Greater", site.input(0), w.number(0)), w.number(1), below)


def _sigmoid(site: Site) -> str:
    return site.write.multiply(site.result, site.write.subtract(site.write.number(1), site.result))


def _tanh(site: Site) -> str:
    return site.write.subtract(site.write.number(1), site.write.multiply(site.result, site.result))


def _hard_sigmoid(site: Site) -> str:
    """alpha where 0 < y < 1, which is where y * (1 - y) > 0."""
    return site.write.scaled(site.write.where_positive(_sigmoid(site)), site.number("alpha", 0.2))


def _softplus(site: Site) -> str:
    return site.write.node("Sigmoid", site.input(0))


def _softsign(site: Site) -> str:
    """1 / (1 + |x|)^2."""
    w = site.write
    root = w.add(w.number(1), w.node("Abs", site.input(0)))
    return w.node("Reciprocal", w.multiply(root, root))


def _gelu(site: Site) -> str:
    return _gelu_by_tanh(site) if site.text("approximate", "none") == "tanh" else _gelu_by_erf(site)


def _gelu_by_erf(site: Site) -> str:
    """Phi(x) + x * phi(x), the normal distribution's function and density."""
    w, x = site.write, site.input(0)
    cumulated = w.scaled(w.add(w.node("Erf", w.scaled(x, math.sqrt(0.5))), w.number(1)), 0.5)
    density = w.scaled(w.node("Exp", w.scaled(w.multiply(x, x), -0.5)), 1 / math.sqrt(2 * math.pi))
    return w.add(cumulated, w.multiply(x, density))


def _gelu_by_tanh(site: Site) -> str:
    """y = x * (1 + t) / 2, t = tanh(u), u = k * (x + 0.044715 x^3): (1 + t) / 2 + x * (1 - t^2) * u' / 2."""
    w, x, k = site.write, site.input(0), math.sqrt(2 / math.pi)
    one, square = w.number(1), w.multiply(x, x)
    t = w.node("Tanh", w.multiply(w.scaled(x, k), w.add(w.scaled(square, 0.044715), one)))
    inner = w.scaled(w.add(w.scaled(square, 0.134145), one), k / 2)
    curved = w.multiply(w.multiply(x, w.subtract(one, w.multiply(t, t))), inner)
    return w.add(w.scaled(w.add(t, one), 0.5), curved)


def _softmax(site: Site) -> Gradients:
    """dx = y * dy - y * sum(y * dy)."""
    w = site.write
    weighted = w.multiply(site.upstream, site.result)
    return [w.subtract(weighted, w.multiply(site.result, w.sum(weighted, [axis_of(site)])))]


def _log_softmax(site: Site) -> Gradients:
    """dx = dy - exp(y) * sum(dy)."""
    w = site.write
    total = w.sum(site.upstream, [axis_of(site)])
    return [w.subtract(site.upstream, w.multiply(w.node("Exp", site.result), total))]


RULES: dict[str, Rule] = {
    "Elu": of_one_input(_elu),
    "Gelu": of_one_input(_gelu),
    "HardSigmoid": of_one_input(_hard_sigmoid),
    "LeakyRelu": of_one_input(_leaky_relu),
    "LogSoftmax": _log_softmax,
    "PRelu": _prelu,
    "Relu": of_one_input(_relu),
    "Sigmoid": of_one_input(_sigmoid),
    "Softmax": _softmax,
    "Softplus": of_one_input(_softplus),
    "Softsign": of_one_input(_softsign),
    "ThresholdedRelu": of_one_input(_thresholded_relu),
    "Tanh": of_one_input(_tanh),
}
