"""Matrix products."""

from misure_onnx.gradients.onnx_gradient.rules.rule import Gradients, Rule
from misure_onnx.gradients.onnx_gradient.site import Site


def _matmul(site: Site) -> Gradients:
    """Y = A B: dA = dY B^T, dB = A^T dY, each summed over the axes that were broadcast."""
    w, a, b, result = site.write, site.shape(0), site.shape(1), site.result_shape()
    if min(len(a), len(b)) < 2:
        raise site.refusal("a product with a vector; expected matrices")
    first = second = None
    if site.needs(0):
        product = w.node("MatMul", site.upstream, _turned(site, 1))
        first = site.summed_to(product, 0, [*result[:-1], a[-1]])
    if site.needs(1):
        product = w.node("MatMul", _turned(site, 0), site.upstream)
        second = site.summed_to(product, 1, [*result[:-2], b[-2], result[-1]])
    return [first, second]


def _turned(site: Site, k: int) -> str:
    rank = len(site.shape(k))
    return site.write.transpose(site.input(k), [*range(rank - 2), rank - 1, rank - 2])


def _gemm(site: Site) -> Gradients:
    """Y = alpha A' B' + beta C, A' and B' possibly transposed."""
    w = site.write
    turned_a, turned_b = site.integer("transA", 0), site.integer("transB", 0)
    scaled = w.scaled(site.upstream, site.number("alpha", 1.0))
    gradients: Gradients = [None, None, None]
    if site.needs(0):
        order, flags = (
            ((site.input(1), scaled), (turned_b, 1)) if turned_a else ((scaled, site.input(1)), (0, 1 - turned_b))
        )
        gradients[0] = w.node("Gemm", *order, transA=flags[0], transB=flags[1])
    if site.needs(1):
        order, flags = (
            ((scaled, site.input(0)), (1, turned_a)) if turned_b else ((site.input(0), scaled), (1 - turned_a, 0))
        )
        gradients[1] = w.node("Gemm", *order, transA=flags[0], transB=flags[1])
    if site.needs(2):
        gradients[2] = site.summed_to(w.scaled(site.upstream, site.number("beta", 1.0)), 2)
    return gradients


def _einsum(site: Site) -> Gradients:
    """The gradient of an operand is the sum over the others and dY; letters that only it has are repeated."""
    equation = site.text("equation", "").replace(" ", "")
    if "." in equation or "->" not in equation:
        raise site.refusal(f"the equation {equation!r} has an ellipsis or no result")
    terms, result = equation.split("->")[0].split(","), equation.split("->")[1]
    if any(len(set(term)) != len(term) for term in terms):
        raise site.refusal(f"the equation {equation!r} repeats a letter in an operand")
    return [_einsum_operand(site, terms, result, k) if site.needs(k) else None for k in range(len(terms))]


def _einsum_operand(site: Site, terms: list[str], result: str, k: int) -> str:
    w = site.write
    others = [j for j in range(len(terms)) if j != k]
    present = {letter for j in others for letter in terms[j]} | set(result)
    kept = "".join(letter for letter in terms[k] if letter in present)
    equation = ",".join([*(terms[j] for j in others), result]) + "->" + kept
    gradient = w.node("Einsum", *(site.input(j) for j in others), site.upstream, equation=equation)
    if kept == terms[k]:
        return gradient
    sizes = [size if letter in present else 1 for letter, size in zip(terms[k], site.shape(k), strict=True)]
    return w.expand(w.reshape(gradient, sizes), site.shape(k))


RULES: dict[str, Rule] = {
    "Einsum": _einsum,
    "Gemm": _gemm,
    "MatMul": _matmul,
}
