"""Matrix products, Einsum, triangles and the discrete Fourier transform."""

import torch
from torch import Tensor

from misure_onnx.gradients.torch_bridge.host_values import scalar
from misure_onnx.gradients.torch_bridge.node import Key, Node, Operator


def _matmul(_node: Node, a: Tensor, b: Tensor) -> Tensor:
    return torch.matmul(a, b)


def gemm(node: Node, a: Tensor, b: Tensor, c: Tensor | None = None) -> Tensor:
    """alpha * A B + beta * C, with A or B transposed where asked for."""
    left = a.mT if node.flag("transA") else a
    right = b.mT if node.flag("transB") else b
    alpha, beta = node.number("alpha", 1.0), node.number("beta", 1.0)
    if c is None:
        product = left @ right
        return product if alpha == 1 else product * alpha
    return torch.addmm(c, left, right, beta=_like(beta, c), alpha=_like(alpha, c))


def _like(factor: float, c: Tensor) -> float | int:
    """torch.addmm takes no fractions for integer matrices."""
    return factor if c.is_floating_point() else int(factor)


def _einsum(node: Node, *inputs: Tensor) -> Tensor:
    result: Tensor = torch.einsum(node.text("equation", "").replace(" ", ""), *inputs)
    return result


def _triangle(node: Node, x: Tensor, k: Tensor | None = None) -> Tensor:
    diagonal = 0 if k is None else int(scalar(k))
    return torch.triu(x, diagonal) if node.flag("upper", default=True) else torch.tril(x, diagonal)


def _determinant(_node: Node, x: Tensor) -> Tensor:
    determinant: Tensor = torch.linalg.det(x)
    return determinant


def _dft(node: Node, x: Tensor, length: Tensor | None = None, axis: Tensor | None = None) -> Tensor:
    """DFT: x (..., 1) real or (..., 2) complex; before opset 20 the axis is an attribute and counts from the front."""
    along = node.integer("axis", 1) if node.opset < 20 else -2 if axis is None else int(scalar(axis))
    along %= x.ndim
    count = None if length is None else int(scalar(length))
    signal = torch.view_as_complex(x.contiguous()) if x.shape[-1] == 2 else x[..., 0]
    if node.flag("inverse") and node.flag("onesided"):
        real: Tensor = torch.fft.irfft(signal, count, along)
        return real.unsqueeze(-1)
    if node.flag("inverse"):
        return torch.view_as_real(torch.fft.ifft(signal, count, along))
    if node.flag("onesided"):
        return torch.view_as_real(torch.fft.rfft(signal, count, along))
    return torch.view_as_real(torch.fft.fft(signal, count, along))


OPERATORS: dict[Key, Operator] = {
    ("", "DFT"): _dft,
    ("", "Det"): _determinant,
    ("", "Einsum"): _einsum,
    ("", "Gemm"): gemm,
    ("", "MatMul"): _matmul,
    ("", "Trilu"): _triangle,
}

HOST_INPUTS: dict[Key, tuple[int, ...]] = {("", "DFT"): (1, 2), ("", "Trilu"): (1,)}
