"""AdamW against torch's, and the two known trajectories of an L1 penalty alone."""

import numpy as np
import pytest

from misure_onnx.methods.optimiser.adamw import AdamW

LAMBDA, PIXELS = 0.01, 224 * 224


@pytest.mark.parametrize(("rate", "decay", "epsilon"), [(0.1, 0.01, 1e-8), (0.01, 0.0, 1e-12), (0.05, 0.1, 1e-8)])
def test_every_step_is_torch_s(rate: float, decay: float, epsilon: float) -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed")
    rng = np.random.default_rng(0)
    values = rng.random((5, 7), np.float32)
    theirs = torch.tensor(values.copy(), requires_grad=True)
    reference = torch.optim.AdamW([theirs], lr=rate, weight_decay=decay, eps=epsilon)
    optimiser = AdamW(rate, decay, epsilon)
    for _ in range(25):
        gradient = rng.normal(0, 1e-3, (5, 7)).astype(np.float32)
        theirs.grad = torch.from_numpy(gradient)
        reference.step()
        values = optimiser.step(values, gradient)
        assert values == pytest.approx(theirs.detach().numpy(), abs=2e-6)


def l1_only(rate: float, steps: int, clamp_below: float = 0.2) -> list[float]:
    """A pixel that nothing preserves, under lambda * mean|M| alone, clamped after every step as in section 4.2."""
    optimiser, value, seen = AdamW(rate, 0.01, 1e-8), np.ones((1, 1), np.float32), []
    for _ in range(steps):
        value = optimiser.step(value, np.full((1, 1), LAMBDA / PIXELS, np.float32))
        value = np.where(value < clamp_below, 0, np.minimum(value, 1)).astype(np.float32)
        seen.append(float(value[0, 0]))
    return seen


def test_an_unneeded_pixel_reaches_zero_at_iteration_9_at_rate_0_1() -> None:
    trajectory = l1_only(0.1, 12)
    assert trajectory[7] > 0
    assert trajectory[8] == 0


def test_an_unneeded_pixel_is_still_0_904_after_100_iterations_at_rate_0_001() -> None:
    assert l1_only(0.001, 100)[-1] == pytest.approx(0.904, abs=5e-4)
