"""Every operator against another implementation: ONNX's reference or ONNX Runtime."""

import warnings

import numpy as np
import pytest
import torch

from misure_onnx.gradients.torch_bridge.interpreter import TorchGraph
from misure_onnx.gradients.torch_bridge.operators import OPERATORS
from tests.gradients.torch_bridge.cases import (
    activations,
    attention,
    control_flow,
    convolution,
    elementwise,
    indexing,
    linear_algebra,
    microsoft,
    microsoft_quantised,
    normalisation,
    padding,
    pooling,
    quantisation,
    reductions,
    resize,
    sampling,
    shapes,
)
from tests.gradients.torch_bridge.cases.case import Array, Case, GraphCase

CASES: list[Case | GraphCase] = [
    *activations.CASES,
    *attention.CASES,
    *control_flow.CASES,
    *convolution.CASES,
    *elementwise.CASES,
    *indexing.CASES,
    *linear_algebra.CASES,
    *microsoft.CASES,
    *microsoft_quantised.CASES,
    *normalisation.CASES,
    *padding.CASES,
    *pooling.CASES,
    *quantisation.CASES,
    *reductions.CASES,
    *resize.CASES,
    *sampling.CASES,
    *shapes.CASES,
]
_named = [pytest.param(case, id=f"{case.name}-{number}") for number, case in enumerate(CASES)]
_differentiable = [
    pytest.param(case, id=f"{case.name}-{number}") for number, case in enumerate(CASES) if case.differentiable
]


def test_every_operator_has_a_case() -> None:
    covered = {key for case in CASES for key in case.covers}
    assert OPERATORS.keys() - covered == set()


@pytest.mark.parametrize("case", _named)
def test_forward_equals_the_oracle(case: Case | GraphCase) -> None:
    expected = _quietly_expected(case, case.feeds)
    results = TorchGraph(case.model())(_tensors(case.feeds))
    assert len(results) == len(expected)
    for result, wanted in zip(results, expected, strict=True):
        assert result.shape == wanted.shape
        scale = max(1.0, float(np.abs(_finite(wanted)).max(initial=0)))
        np.testing.assert_allclose(
            result.detach().numpy().astype(np.float64),
            wanted.astype(np.float64),
            rtol=case.tolerance,
            atol=case.tolerance * scale,
        )


@pytest.mark.parametrize("case", _differentiable)
def test_gradient_equals_a_difference_of_the_oracle(case: Case | GraphCase) -> None:
    """A weighted sum of the first output, along one random direction of all float inputs."""
    generator = np.random.default_rng(0)
    feeds = _tensors(case.feeds)
    floats = [name for name, value in feeds.items() if value.is_floating_point()]
    for name in floats:
        feeds[name].requires_grad_()
    output = TorchGraph(case.model())(feeds)[0]
    weights = generator.uniform(-1, 1, tuple(output.shape))
    total = (output * torch.from_numpy(weights)).sum()
    gradients = torch.autograd.grad(total, [feeds[name] for name in floats], allow_unused=True)
    single = case.single or (isinstance(case, Case) and case.by_runtime)
    step = 2e-4 if single else 1e-6
    directions = {name: generator.uniform(-1, 1, case.feeds[name].shape) for name in floats}
    slope = sum(
        float((gradient.numpy().astype(np.float64) * direction).sum())
        for gradient, direction in zip(gradients, directions.values(), strict=True)
        if gradient is not None
    )
    ahead, behind = (
        float((weights * _quietly_expected(case, _moved(case.feeds, directions, sign * step))[0]).sum())
        for sign in (1, -1)
    )
    difference = (ahead - behind) / (2 * step)
    tolerance = 2e-2 if single else 1e-5
    assert slope == pytest.approx(difference, rel=tolerance, abs=tolerance * np.sqrt(weights.size))


def _moved(feeds: dict[str, Array], directions: dict[str, Array], step: float) -> dict[str, Array]:
    return {
        name: (value + step * directions[name]).astype(value.dtype) if name in directions else value
        for name, value in feeds.items()
    }


def _quietly_expected(case: Case | GraphCase, feeds: dict[str, Array]) -> list[Array]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the oracle's own, of NumPy and of ONNX Runtime
        return case.expected(feeds)


def _tensors(feeds: dict[str, Array]) -> dict[str, torch.Tensor]:
    return {name: torch.from_numpy(_readable(value)) for name, value in feeds.items()}


def _readable(array: Array) -> Array:
    return np.array(array, dtype=np.int32 if array.dtype == np.uint16 else array.dtype)


def _finite(array: Array) -> Array:
    values = array.astype(np.float64)
    return values[np.isfinite(values)]
