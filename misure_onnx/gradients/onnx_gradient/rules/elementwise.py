"""Arithmetic, powers, trigonometry, comparisons of values."""

import math
from collections.abc import Callable

import onnx

from misure_onnx.gradients.onnx_gradient.rules.rule import Gradients, Rule
from misure_onnx.gradients.onnx_gradient.site import Site
from misure_onnx.graph.writer import MOST_BOUND


def of_one_input(derivative: Callable[[Site], str]) -> Rule:
    """The rule dx = dy * f'(x) of an elementwise function."""

    def rule(site: Site) -> Gradients:
        return [site.write.multiply(site.upstream, derivative(site))]

    return rule


def passed_on(site: Site) -> Gradients:
    """dx = dy."""
    return [site.upstream]


def _add(site: Site) -> Gradients:
    return [site.summed_to(site.upstream, k) if site.needs(k) else None for k in range(len(site.node.input))]


def _mean(site: Site) -> Gradients:
    count = len(site.node.input)
    shared = site.write.scaled(site.upstream, 1 / count)
    return [site.summed_to(shared, k) if site.needs(k) else None for k in range(count)]


def _subtract(site: Site) -> Gradients:
    first = site.summed_to(site.upstream, 0) if site.needs(0) else None
    return [first, site.write.negated(site.summed_to(site.upstream, 1)) if site.needs(1) else None]


def _multiply(site: Site) -> Gradients:
    return [
        site.summed_to(site.write.multiply(site.upstream, site.input(1 - k)), k) if site.needs(k) else None
        for k in (0, 1)
    ]


def _divide(site: Site) -> Gradients:
    """y = a / b: da = dy / b, db = -dy * y / b."""
    w = site.write
    share = w.divide(site.upstream, site.input(1))
    first = site.summed_to(share, 0) if site.needs(0) else None
    second = w.negated(site.summed_to(w.multiply(share, site.result), 1)) if site.needs(1) else None
    return [first, second]


def _power(site: Site) -> Gradients:
    """y = a ** b: da = dy * b * a ** (b - 1), db = dy * y * log(a)."""
    w, base, exponent = site.write, site.input(0), site.input(1)
    first = second = None
    if site.needs(0):
        if not site.is_float(1):
            exponent = w.node("Cast", exponent, to=onnx.TensorProto.FLOAT)
        slope = w.multiply(exponent, w.node("Pow", base, w.subtract(exponent, w.number(1))))
        first = site.summed_to(w.multiply(site.upstream, slope), 0)
    if site.needs(1):
        slope = w.multiply(site.result, w.node("Log", base))
        second = site.summed_to(w.multiply(site.upstream, slope), 1)
    return [first, second]


def _extreme(site: Site) -> Gradients:
    """Min and Max: to the chosen input; to all that are equal to the result where several are."""
    w = site.write
    gradients: Gradients = []
    for k in range(len(site.node.input)):
        chosen = w.indicator(w.node("Equal", site.input(k), site.result)) if site.needs(k) else ""
        gradients.append(site.summed_to(w.multiply(site.upstream, chosen), k) if chosen else None)
    return gradients


def _where(site: Site) -> Gradients:
    w, zero = site.write, site.write.number(0)
    first = site.summed_to(w.node("Where", site.input(0), site.upstream, zero), 1) if site.needs(1) else None
    second = site.summed_to(w.node("Where", site.input(0), zero, site.upstream), 2) if site.needs(2) else None
    return [None, first, second]


def _clip(site: Site) -> Gradients:
    """dy where the bounds changed nothing.

    What comes from a convolution meets a bound by chance only: there the result tells, and ONNX Runtime still fuses
    Conv and Clip. Elsewhere (black pixels, clipped at black) a value at the bound is as it was, and equality of input
    and result tells.
    """
    w, gradient = site.write, site.upstream
    if not site.is_convolved(0) or not all(_is_ramp(site, k) for k in (1, 2)):
        unchanged = w.indicator(w.node("Equal", site.input(0), site.result))
        return [w.multiply(gradient, unchanged), None, None]
    for k, inside in ((1, w.where_above), (2, w.where_below)):
        if site.has(k):
            gradient = w.multiply(gradient, inside(site.result, float(site.required(k).item())))
    return [gradient, None, None]


def _is_ramp(site: Site, k: int) -> bool:
    """Whether a bound is missing, or a constant that `where_above` takes."""
    return not site.has(k) or (site.is_known(k) and abs(site.required(k).item()) < MOST_BOUND)


def _log(site: Site) -> Gradients:
    return [site.write.divide(site.upstream, site.input(0))]


def _cast(site: Site) -> Gradients:
    return [site.upstream if site.is_float() else None]


def _sqrt(site: Site) -> str:
    return site.write.divide(site.write.number(0.5), site.result)


def _reciprocal(site: Site) -> str:
    return site.write.negated(site.write.multiply(site.result, site.result))


def _tan(site: Site) -> str:
    return site.write.add(site.write.number(1), site.write.multiply(site.result, site.result))


def _erf(site: Site) -> str:
    w, x = site.write, site.input(0)
    return w.scaled(w.node("Exp", w.negated(w.multiply(x, x))), 2 / math.sqrt(math.pi))


RULES: dict[str, Rule] = {
    "Abs": of_one_input(lambda site: site.write.node("Sign", site.input(0))),
    "Add": _add,
    "Cast": _cast,
    "Clip": _clip,
    "Cos": of_one_input(lambda site: site.write.negated(site.write.node("Sin", site.input(0)))),
    "Div": _divide,
    "Dropout": passed_on,
    "Erf": of_one_input(_erf),
    "Exp": of_one_input(lambda site: site.result),
    "Identity": passed_on,
    "Log": _log,
    "Max": _extreme,
    "Mean": _mean,
    "Min": _extreme,
    "Mul": _multiply,
    "Neg": lambda site: [site.write.negated(site.upstream)],
    "Pow": _power,
    "Reciprocal": of_one_input(_reciprocal),
    "Sin": of_one_input(lambda site: site.write.node("Cos", site.input(0))),
    "Sqrt": of_one_input(_sqrt),
    "Sub": _subtract,
    "Sum": _add,
    "Tan": of_one_input(_tan),
    "Where": _where,
}
