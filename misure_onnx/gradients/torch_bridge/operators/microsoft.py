"""Operators of ONNX Runtime (com.microsoft), as they stand in files saved after its optimisation.

Semantics: ONNX Runtime's docs/ContribOperators.md. The domain com.microsoft.nchwc (blocked weights) is not
translated: such a file depends on the machine that wrote it.
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own abbreviation
from torch import Tensor

from misure_onnx.gradients.torch_bridge.node import Key, Node, Operator
from misure_onnx.gradients.torch_bridge.operators.attention import join_heads, split_heads
from misure_onnx.gradients.torch_bridge.operators.convolution import convolve
from misure_onnx.gradients.torch_bridge.operators.linear_algebra import gemm

_DOMAIN = "com.microsoft"


def _activated(node: Node, x: Tensor) -> Tensor:
    """The activation that was fused into a node.

    Raises:
        NotImplementedError: an activation that is not known.
    """
    name = node.text("activation", "")
    a, b = [*map(float, node.attributes.get("activation_params", ())), 0.0, 0.0][:2]
    alpha, beta = node.number("activation_alpha", a), node.number("activation_beta", b)
    activations: dict[str, Callable[[], Tensor]] = {
        "": lambda: x,
        "Relu": lambda: torch.relu(x),
        "Sigmoid": lambda: torch.sigmoid(x),
        "Tanh": lambda: torch.tanh(x),
        "LeakyRelu": lambda: F.leaky_relu(x, alpha),
        "Clip": lambda: torch.clamp(x, a, b),
        "HardSigmoid": lambda: torch.clamp(alpha * x + beta, 0, 1),
    }
    if name not in activations:
        raise NotImplementedError(f"fused activation {name!r} is not known; expected one of {sorted(activations)}")
    return activations[name]()


def _fused_conv(node: Node, x: Tensor, w: Tensor, b: Tensor | None = None, z: Tensor | None = None) -> Tensor:
    """FusedConv: activation(conv(x) + z)."""
    y = convolve(node, x, w, b)
    return _activated(node, y if z is None else y + z)


def _fused_gemm(node: Node, a: Tensor, b: Tensor, c: Tensor | None = None) -> Tensor:
    return _activated(node, gemm(node, a, b, c))


def _fused_matmul(node: Node, a: Tensor, b: Tensor) -> Tensor:
    """FusedMatMul: alpha * A B; `transBatch` first moves the last but one axis to the front's end.

    Raises:
        NotImplementedError: transBatchA or transBatchB.
    """
    if node.flag("transBatchA") or node.flag("transBatchB"):
        raise NotImplementedError("FusedMatMul with transBatchA or transBatchB is not known")
    left = a.mT if node.flag("transA") and a.ndim > 1 else a
    right = b.mT if node.flag("transB") and b.ndim > 1 else b
    alpha = node.number("alpha", 1.0)
    product = left @ right
    return product if alpha == 1 else product * alpha


def _gelu(_node: Node, x: Tensor) -> Tensor:
    return F.gelu(x)


def _bias_gelu(_node: Node, x: Tensor, bias: Tensor) -> Tensor:
    return F.gelu(x + bias)


def _fast_gelu(_node: Node, x: Tensor, bias: Tensor | None = None) -> Tensor:
    return F.gelu(x if bias is None else x + bias, approximate="tanh")


def _quick_gelu(node: Node, x: Tensor) -> Tensor:
    return x * torch.sigmoid(node.number("alpha", 1.702) * x)


def _skip_layer_normalization(  # noqa: PLR0917 - the order of inputs is ONNX's
    node: Node, x: Tensor, skip: Tensor, scale: Tensor, beta: Tensor | None = None, bias: Tensor | None = None
) -> tuple[Tensor | None, ...]:
    """LayerNormalization of x + skip + bias; the fourth output is that sum."""
    total = x + skip if bias is None else x + skip + bias
    y = F.layer_norm(total, [total.shape[-1]], scale, beta, node.number("epsilon", 1e-5))
    return y, None, None, total


def _simplified_layer_normalization(node: Node, x: Tensor, scale: Tensor) -> tuple[Tensor, Tensor]:
    """x / root mean square, and the inverse of that root."""
    axes = tuple(range(node.integer("axis", -1) % x.ndim, x.ndim))
    inverse = torch.rsqrt(x.square().mean(axes, keepdim=True) + node.number("epsilon", 1e-5))
    return x * inverse * scale, inverse


def _skip_simplified_layer_normalization(
    node: Node, x: Tensor, skip: Tensor, scale: Tensor, bias: Tensor | None = None
) -> tuple[Tensor | None, ...]:
    total = x + skip if bias is None else x + skip + bias
    return _simplified_layer_normalization(node, total, scale)[0], None, None, total


def _multi_head_attention(  # noqa: PLR0917 - the order is ONNX Runtime's
    node: Node,
    q: Tensor,
    k: Tensor,
    v: Tensor,
    bias: Tensor | None = None,
    padding: Tensor | None = None,
    added: Tensor | None = None,
) -> Tensor:
    """MultiHeadAttention: (N, tokens, heads * size) each; bias is that of q, k and v after one another.

    Raises:
        NotImplementedError: a key padding mask.
    """
    if padding is not None:
        raise NotImplementedError("MultiHeadAttention with a key padding mask is not known")
    if bias is not None:
        parts = torch.split(bias, [q.shape[-1], k.shape[-1], v.shape[-1]])
        q, k, v = (data + part for data, part in zip((q, k, v), parts, strict=True))
    heads = node.integer("num_heads", 1)
    q, k, v = (split_heads(data, heads) for data in (q, k, v))
    scale = node.attributes.get("scale") or None
    return join_heads(F.scaled_dot_product_attention(q, k, v, added, scale=scale))


def _attention(  # noqa: PLR0917 - the order of inputs is ONNX's
    node: Node,
    x: Tensor,
    w: Tensor,
    b: Tensor | None = None,
    mask: Tensor | None = None,
    past: Tensor | None = None,
    added: Tensor | None = None,
) -> Tensor:
    """Attention of com.microsoft: one product makes queries, keys and values.

    Raises:
        NotImplementedError: a mask index, earlier tokens, or causal attention.
    """
    if mask is not None or past is not None or node.flag("unidirectional"):
        raise NotImplementedError("com.microsoft Attention with a mask index, a past or causality is not known")
    joint = x @ w if b is None else x @ w + b
    sizes = node.integers("qkv_hidden_sizes") or [w.shape[-1] // 3] * 3
    heads = node.integer("num_heads", 1)
    q, k, v = (split_heads(part, heads) for part in torch.split(joint, sizes, -1))
    scale = node.attributes.get("scale") or None
    return join_heads(F.scaled_dot_product_attention(q, k, v, added, scale=scale))


OPERATORS: dict[Key, Operator] = {
    ("", "SimplifiedLayerNormalization"): _simplified_layer_normalization,  # ONNX Runtime puts it there
    (_DOMAIN, "Attention"): _attention,
    (_DOMAIN, "BiasGelu"): _bias_gelu,
    (_DOMAIN, "FastGelu"): _fast_gelu,
    (_DOMAIN, "FusedConv"): _fused_conv,
    (_DOMAIN, "FusedGemm"): _fused_gemm,
    (_DOMAIN, "FusedMatMul"): _fused_matmul,
    (_DOMAIN, "Gelu"): _gelu,
    (_DOMAIN, "MultiHeadAttention"): _multi_head_attention,
    (_DOMAIN, "QuickGelu"): _quick_gelu,
    (_DOMAIN, "SkipLayerNormalization"): _skip_layer_normalization,
    (_DOMAIN, "SkipSimplifiedLayerNormalization"): _skip_simplified_layer_normalization,
}
