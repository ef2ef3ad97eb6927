"""From masks with classes to probabilities of pixels, by hand."""

from types import SimpleNamespace
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from exporters.networks.mask_classification import SemanticMasks  # noqa: E402


class TwoQueries(torch.nn.Module):  # type: ignore[misc,name-defined]
    """One pixel, two classes and none: query 0 says 0.7, 0.2, 0.1, query 1 says 0.1, 0.6, 0.3."""

    def forward(self, images: Any) -> Any:
        classes = torch.tensor([[[0.7, 0.2, 0.1], [0.1, 0.6, 0.3]]]).log()
        masks = torch.logit(torch.tensor([0.9, 0.4])).reshape(1, 2, 1, 1)
        return SimpleNamespace(class_queries_logits=classes, masks_queries_logits=masks + 0 * images.sum())


def test_a_pixels_sums_become_shares() -> None:
    sums = [0.9 * 0.7 + 0.4 * 0.1 + 0.001, 0.9 * 0.2 + 0.4 * 0.6 + 0.001]
    found = SemanticMasks(TwoQueries())(torch.zeros(1, 3, 1, 1))
    assert found.flatten().tolist() == pytest.approx([value / sum(sums) for value in sums], abs=1e-6)
