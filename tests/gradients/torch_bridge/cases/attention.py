"""Cases of `operators/attention.py`."""

import numpy as np

from tests.gradients.torch_bridge.cases.case import Array, Case, Draws, integers

_draw = Draws(8)
_q, _k, _v = _draw.real(2, 4, 3, 6), _draw.real(2, 4, 5, 6), _draw.real(2, 4, 5, 7)
_flat = [_draw.real(2, 3, 8), _draw.real(2, 5, 4), _draw.real(2, 5, 4)]
_heads = {"q_num_heads": 4, "kv_num_heads": 2}
_past = [_draw.real(2, 4, 2, 6), _draw.real(2, 4, 2, 7)]
_cosines, _sines = _draw.real(5, 3), _draw.real(5, 3)
_positions = np.array([[0, 2, 1], [4, 3, 0]])


def _attention(
    *more: Array | None, opset: int = 23, outputs: int = 1, wanted: tuple[int, ...] | None = None, **attributes: object
) -> Case:
    return Case("Attention", [_q, _k, _v, *more], opset, outputs=outputs, wanted=wanted, attributes=attributes)


CASES = [
    _attention(),
    _attention(scale=0.3),
    _attention(is_causal=1),
    _attention(_draw.truth(3, 5) | np.eye(3, 5, dtype=bool)),
    _attention(np.array([[True] * 5, [False] * 5, [True, False, False, False, False]])),
    _attention(_draw.real(2, 1, 3, 5), softcap=0.7),
    _attention(_draw.real(3, 5), outputs=4, wanted=(0, 3), qk_matmul_output_mode=0),
    _attention(_draw.real(3, 5), outputs=4, wanted=(0, 3), qk_matmul_output_mode=2),
    _attention(_draw.real(3, 5), outputs=4, wanted=(0, 3), qk_matmul_output_mode=3),
    _attention(outputs=4, wanted=(0, 3), softcap=0.7, qk_matmul_output_mode=1),
    _attention(_draw.real(3, 7), *_past, outputs=3, is_causal=1),
    _attention(_draw.truth(3, 4) | np.eye(3, 4, dtype=bool), None, None, integers(3, 4), opset=24),
    _attention(opset=25, left_window_size=1, right_window_size=1),
    _attention(_draw.real(3, 3), None, None, integers(3, 3), opset=24, is_causal=1),
    Case("Attention", _flat, 23, attributes=_heads),
    Case("Attention", _flat, 23, attributes={**_heads, "is_causal": 1}),
    Case("RotaryEmbedding", [_draw.real(2, 4, 3, 6), _cosines, _sines, _positions], 23, constants=(1, 2)),
    Case("RotaryEmbedding", [_draw.real(2, 4, 3, 6), _cosines, _sines, _positions], 23, attributes={"interleaved": 1}),
    Case(
        "RotaryEmbedding",
        [_draw.real(2, 3, 16), _cosines, _sines, _positions],
        23,
        attributes={"num_heads": 2, "rotary_embedding_dim": 6},
    ),
    Case("RotaryEmbedding", [_draw.real(2, 4, 3, 6), _draw.real(2, 3, 3), _draw.real(2, 3, 3)], 23),
]
