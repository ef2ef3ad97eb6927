"""Sums, means and extremes along axes."""

from misure_onnx.gradients.onnx_gradient.rules.rule import Gradients, Rule
from misure_onnx.gradients.onnx_gradient.site import Site, axis_of, product


def _axes(site: Site) -> list[int]:
    """The reduced axes: an input since opset 13 (ReduceSum) or 18, an attribute before; none given means all."""
    given = site.constant(1)
    axes = site.integers("axes") if given is None else [int(axis) for axis in given]
    rank = len(site.shape())
    if not axes and site.integer("noop_with_empty_axes", 0):
        return []
    return sorted(axis % rank for axis in axes) or list(range(rank))


def _kept(site: Site, tensor: str, axes: list[int]) -> str:
    """A reduced tensor with the reduced axes as length 1."""
    return site.write.reshape(tensor, [1 if i in axes else size for i, size in enumerate(site.shape())])


def _sum(site: Site) -> Gradients:
    return [site.write.expand(_kept(site, site.upstream, _axes(site)), site.shape())]


def _mean(site: Site) -> Gradients:
    axes = _axes(site)
    share = site.write.scaled(_kept(site, site.upstream, axes), 1 / product([site.shape()[axis] for axis in axes]))
    return [site.write.expand(share, site.shape())]


def _extreme(site: Site) -> Gradients:
    return _shared_by_ties(site, _axes(site))


def _global_maximum(site: Site) -> Gradients:
    return _shared_by_ties(site, list(range(2, len(site.shape()))))


def _shared_by_ties(site: Site, axes: list[int]) -> Gradients:
    """To the extreme value; in equal shares where several are equal."""
    w = site.write
    chosen = w.indicator(w.node("Equal", site.input(0), _kept(site, site.result, axes)))
    share = w.divide(_kept(site, site.upstream, axes), w.sum(chosen, axes)) if axes else site.upstream
    return [w.multiply(chosen, share)]


def _norm(site: Site) -> Gradients:
    """ReduceL2: dx = dy * x / y."""
    w, axes = site.write, _axes(site)
    return [w.multiply(site.input(0), w.divide(_kept(site, site.upstream, axes), _kept(site, site.result, axes)))]


def _absolute_sum(site: Site) -> Gradients:
    """ReduceL1: dx = dy * sign(x)."""
    return [site.write.multiply(site.write.node("Sign", site.input(0)), _kept(site, site.upstream, _axes(site)))]


def _sum_of_squares(site: Site) -> Gradients:
    """ReduceSumSquare: dx = 2 * x * dy."""
    return [site.write.multiply(site.write.scaled(site.input(0), 2), _kept(site, site.upstream, _axes(site)))]


def _log_sum_exp(site: Site) -> Gradients:
    """ReduceLogSumExp: dx = dy * exp(x - y)."""
    w, axes = site.write, _axes(site)
    share = w.node("Exp", w.subtract(site.input(0), _kept(site, site.result, axes)))
    return [w.multiply(share, _kept(site, site.upstream, axes))]


def _cumulated_sum(site: Site) -> Gradients:
    """The cumulated sum from the other end."""
    flags = {"exclusive": site.integer("exclusive", 0), "reverse": 1 - site.integer("reverse", 0)}
    return [site.write.node("CumSum", site.upstream, site.input(1), **flags)]


def _global_mean(site: Site) -> Gradients:
    share = site.write.scaled(site.upstream, 1 / product(site.shape()[2:]))
    return [site.write.expand(share, site.shape())]


def _flattened_norm(site: Site) -> Gradients:
    """LpNormalization: y = x / n, n = the norm; dx = (dy - n' * sum(dy * y)) / n with n' = sign(x) or y."""
    w, axis, x = site.write, axis_of(site), site.input(0)
    by_squares = site.integer("p", 2) == 2
    slope = site.result if by_squares else w.node("Sign", x)
    size = w.node("Sqrt", w.sum(w.multiply(x, x), [axis])) if by_squares else w.sum(w.node("Abs", x), [axis])
    along = w.sum(w.multiply(site.upstream, site.result), [axis])
    return [w.divide(w.subtract(site.upstream, w.multiply(slope, along)), size)]


RULES: dict[str, Rule] = {
    "CumSum": _cumulated_sum,
    "GlobalAveragePool": _global_mean,
    "GlobalMaxPool": _global_maximum,
    "LpNormalization": _flattened_norm,
    "ReduceL1": _absolute_sum,
    "ReduceL2": _norm,
    "ReduceLogSumExp": _log_sum_exp,
    "ReduceMax": _extreme,
    "ReduceMean": _mean,
    "ReduceMin": _extreme,
    "ReduceSum": _sum,
    "ReduceSumSquare": _sum_of_squares,
}
