"""Scaled dot-product attention and rotary position embedding (opset 23 and newer)."""

import math

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own abbreviation
from torch import Tensor

from misure_onnx.gradients.torch_bridge.node import Key, Node, Operator


def _attention(  # noqa: PLR0917 - the order of inputs is ONNX's
    node: Node,
    q: Tensor,
    k: Tensor,
    v: Tensor,
    mask: Tensor | None = None,
    past_key: Tensor | None = None,
    past_value: Tensor | None = None,
    lengths: Tensor | None = None,
) -> tuple[Tensor, ...]:
    """Attention: (N, heads, tokens, size), or (N, tokens, heads * size) with the number of heads as an attribute.

    Args:
        node: its attributes say scale, causality, soft cap and window.
        q: queries.
        k: keys; fewer heads than queries have are shared by groups of heads.
        v: values.
        mask: True or 0 where a query may look.
        past_key: earlier keys, (N, heads, tokens, size).
        past_value: earlier values.
        lengths: (N,) keys that are no padding.

    Returns:
        Result, all keys, all values, and the scores at the stage `qk_matmul_output_mode` names.
    """
    flat = q.ndim == 3
    if flat:
        q = split_heads(q, node.integer("q_num_heads", 1))
        k, v = (split_heads(t, node.integer("kv_num_heads", 1)) for t in (k, v))
    offset: int | Tensor = 0
    if past_key is not None and past_value is not None:
        offset = past_key.shape[2]
        k, v = torch.cat([past_key, k], 2), torch.cat([past_value, v], 2)
    elif lengths is not None:
        offset = lengths.reshape(-1, 1, 1, 1).to(q.device) - q.shape[2]
    bias = _bias(node, q, k, mask=mask, lengths=lengths, offset=offset)
    repeats = q.shape[1] // k.shape[1]
    keys, values = k.repeat_interleave(repeats, 1), v.repeat_interleave(repeats, 1)
    scale = node.number("scale", 1 / math.sqrt(q.shape[-1]))
    if bias is None and not node.wants(3) and not node.number("softcap", 0):
        y, scores = F.scaled_dot_product_attention(q, keys, values, scale=scale), q
    else:
        y, scores = _explicit(node, q * scale @ keys.mT, bias, values)
    return (join_heads(y) if flat else y), k, v, scores


def _explicit(node: Node, scores: Tensor, bias: Tensor | None, values: Tensor) -> tuple[Tensor, Tensor]:
    """Softmax and product step by step, for soft caps, masks and inner scores.

    Modes of `qk_matmul_output_mode`: 0 and 1 scores after the soft cap, 2 after the bias, 3 after softmax.
    """
    cap = node.number("softcap", 0)
    capped = cap * torch.tanh(scores / cap) if cap else scores
    biased = capped if bias is None else capped + bias
    if bias is None:
        weights = torch.softmax(biased, -1)
    else:  # a query that may look nowhere gets zeros, not NaN, in the gradient too
        blind = torch.isneginf(bias.amax(-1, keepdim=True))
        weights = torch.softmax(biased.masked_fill(blind, 0), -1).masked_fill(blind, 0)
    stages = (capped, capped, biased, weights)
    return weights @ values, stages[node.integer("qk_matmul_output_mode", 0)]


def _bias(
    node: Node, q: Tensor, k: Tensor, *, mask: Tensor | None, lengths: Tensor | None, offset: int | Tensor
) -> Tensor | None:
    """What is added to the scores: the mask, and minus infinity where causality, window or padding forbid a look."""
    queries, keys = q.shape[2], k.shape[2]
    where = torch.arange(queries, device=q.device)[:, None] + offset
    key = torch.arange(keys, device=q.device)
    left, right = node.integer("left_window_size", -1), node.integer("right_window_size", -1)
    allowed = [] if mask is None or mask.dtype != torch.bool else [_widened(mask, keys, value=False)]
    if node.flag("is_causal"):
        allowed.append(key <= where)
    if left >= 0:
        allowed.append(key >= where - left)
    if right >= 0:
        allowed.append(key <= where + right)
    if lengths is not None:
        allowed.append(key < lengths.reshape(-1, 1, 1, 1).to(q.device))
    bias = None if mask is None or mask.dtype == torch.bool else _widened(mask, keys, value=-math.inf)
    for entry in allowed:
        forbidden = torch.zeros(entry.shape, dtype=q.dtype, device=q.device).masked_fill(~entry, -math.inf)
        bias = forbidden if bias is None else bias + forbidden
    return bias


def _widened(mask: Tensor, keys: int, *, value: float) -> Tensor:
    """A mask that is shorter than the keys says nothing about the rest, which is then hidden."""
    missing = keys - mask.shape[-1]
    return F.pad(mask, (0, missing), value=value) if missing > 0 else mask


def split_heads(x: Tensor, heads: int) -> Tensor:
    """(N, tokens, heads * size) -> (N, heads, tokens, size)."""
    return x.reshape(x.shape[0], x.shape[1], heads, -1).transpose(1, 2)


def join_heads(x: Tensor) -> Tensor:
    """(N, heads, tokens, size) -> (N, tokens, heads * size)."""
    return x.transpose(1, 2).flatten(2)


def _rotary_embedding(node: Node, x: Tensor, cosines: Tensor, sines: Tensor, positions: Tensor | None = None) -> Tensor:
    """RotaryEmbedding: pairs of features turned by an angle that grows with the token's position."""
    flat = x.ndim == 3
    heads = split_heads(x, node.integer("num_heads", 1)) if flat else x
    turned = node.integer("rotary_embedding_dim", 0) or heads.shape[-1]
    part, rest = heads[..., :turned], heads[..., turned:]
    if positions is not None:
        cosines, sines = cosines[positions], sines[positions]
    cosines, sines = cosines.unsqueeze(1), sines.unsqueeze(1)
    interleaved = node.flag("interleaved")
    a, b = (part[..., 0::2], part[..., 1::2]) if interleaved else part.chunk(2, -1)
    pair = (cosines * a - sines * b, sines * a + cosines * b)
    joined = torch.stack(pair, -1).flatten(-2) if interleaved else torch.cat(pair, -1)
    y = torch.cat([joined, rest], -1)
    return join_heads(y) if flat else y


OPERATORS: dict[Key, Operator] = {
    ("", "Attention"): _attention,
    ("", "RotaryEmbedding"): _rotary_embedding,
}
