"""Momentum against torch's."""

import numpy as np
import pytest

from misure_onnx.methods.optimiser.momentum import Momentum


@pytest.mark.parametrize(("rate", "momentum", "dampening"), [(0.2, 0.5, 0.0), (0.01, 0.9, 0.9), (0.1, 0.0, 0.0)])
def test_every_step_is_torch_s(rate: float, momentum: float, dampening: float) -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed")
    rng = np.random.default_rng(0)
    values = rng.random((5, 7), np.float32)
    theirs = torch.tensor(values.copy(), requires_grad=True)
    reference = torch.optim.SGD([theirs], lr=rate, momentum=momentum, dampening=dampening)
    optimiser = Momentum(rate, momentum, dampening)
    for _ in range(25):
        gradient = rng.normal(0, 1, (5, 7)).astype(np.float32)
        theirs.grad = torch.from_numpy(gradient)
        reference.step()
        values = optimiser.step(values, gradient)
        assert values == pytest.approx(theirs.detach().numpy(), abs=1e-5)
