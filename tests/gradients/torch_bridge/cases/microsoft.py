"""Cases of `operators/microsoft.py`: ONNX Runtime's own kernels are the oracle."""

from typing import Any

from tests.gradients.torch_bridge.cases.case import Array, Case, Draws

_draw = Draws(15)
_x = _draw.real(2, 3, 4)
_image, _w, _b = _draw.real(1, 2, 6, 6), _draw.real(4, 2, 3, 3), _draw.real(4)
_a, _m = _draw.real(3, 4), _draw.real(4, 5)
_tokens = _draw.real(2, 5, 8)


def _case(operator: str, *inputs: Array | None, outputs: int = 1, domain: str = "com.microsoft", **more: Any) -> Case:
    wanted = more.pop("wanted", None)
    return Case(operator, inputs, 1, domain, outputs=outputs, by_runtime=True, wanted=wanted, attributes=more)


CASES = [
    *(
        _case("FusedConv", _image, _w, _b, activation=name, activation_params=parameters, pads=[1, 1, 1, 1])
        for name, parameters in (
            ("Relu", [0.0]),
            ("Tanh", [0.0]),
            ("Sigmoid", [0.0]),
            ("LeakyRelu", [0.2]),
            ("Clip", [-0.5, 0.5]),
            ("HardSigmoid", [0.2, 0.4]),
        )
    ),
    _case("FusedConv", _image, _w, _b, _draw.real(1, 4, 4, 4), activation="Relu"),
    _case("FusedGemm", _a, _m, _draw.real(5), activation="Relu"),
    _case("FusedGemm", _a, _m, _draw.real(5), activation="LeakyRelu", activation_alpha=0.3),
    _case("FusedMatMul", _draw.real(2, 3, 4), _draw.real(2, 5, 4), transB=1, alpha=0.5),
    _case("FusedMatMul", _draw.real(2, 4, 3), _draw.real(2, 4, 5), transA=1),
    _case("Gelu", _x),
    _case("BiasGelu", _x, _draw.real(4)),
    _case("FastGelu", _x, _draw.real(4)),
    _case("FastGelu", _x),
    _case("QuickGelu", _x, alpha=1.5),
    _case("SkipLayerNormalization", _tokens, _draw.real(2, 5, 8), _draw.real(8), _draw.real(8), epsilon=1e-3),
    _case(
        "SkipLayerNormalization",
        *(_tokens, _draw.real(2, 5, 8), _draw.real(8), _draw.real(8), _draw.real(8)),
        outputs=4,
        wanted=(0, 3),
    ),
    _case("SkipSimplifiedLayerNormalization", _tokens, _draw.real(2, 5, 8), _draw.real(8)),
    _case("SkipSimplifiedLayerNormalization", _tokens, _draw.real(2, 5, 8), _draw.real(8), _draw.real(8)),
    Case("SimplifiedLayerNormalization", [_tokens, _draw.real(8)], 17, by_runtime=True, attributes={"epsilon": 1e-3}),
    _case("MultiHeadAttention", _tokens, _draw.real(2, 6, 8), _draw.real(2, 6, 8), num_heads=2),
    _case(
        "MultiHeadAttention", _tokens, _draw.real(2, 6, 8), _draw.real(2, 6, 8), _draw.real(24), num_heads=4, scale=0.3
    ),
    _case("MultiHeadAttention", _tokens, _tokens, _tokens, None, None, _draw.real(1, 2, 5, 5), num_heads=2),
    _case("Attention", _tokens, _draw.real(8, 24), _draw.real(24), num_heads=2),
]
