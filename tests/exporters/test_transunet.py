"""TransUNet: the published configuration's size, and what its parts compute."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from exporters.networks.transunet import EncoderLayer, Standardised, TransUNet  # noqa: E402


def test_the_published_configuration_has_about_105_million_parameters() -> None:
    """R50-ViT-B/16; 105 million is what comparisons report for it."""
    with torch.device("meta"):
        network = TransUNet()
        scores = network.eval()(torch.zeros(1, 3, 224, 224))
    assert scores.shape == (1, 9, 224, 224)
    assert sum(parameter.numel() for parameter in network.parameters()) == pytest.approx(105e6, rel=0.02)


def test_standardised_weights_have_mean_0_and_variance_1() -> None:
    weight = torch.randn(4, 3, 5, 5, generator=torch.Generator().manual_seed(0)) * 7 + 2
    found = Standardised()(weight).numpy().reshape(4, -1)
    assert found.mean(axis=1) == pytest.approx(0, abs=1e-5)
    assert found.var(axis=1) == pytest.approx(1, abs=1e-4)


def test_attention_is_softmax_of_scaled_products_times_values() -> None:
    torch.manual_seed(0)
    layer, tokens = EncoderLayer(8, 2, 16, 0.1).eval(), torch.randn(1, 5, 8)
    rows = layer.queries_keys_values(tokens)[0].detach().numpy()
    parts = []
    for head in range(2):
        query, key, value = (rows[:, 8 * k + 4 * head :][:, :4] for k in range(3))
        weights = np.exp(query @ key.T / 2)
        parts.append(weights / weights.sum(axis=1, keepdims=True) @ value)
    mixed = layer.mixed(torch.from_numpy(np.concatenate(parts, axis=1)))
    assert layer._attention(tokens)[0].detach().numpy() == pytest.approx(mixed.detach().numpy(), abs=1e-5)


def test_sides_are_multiples_of_16() -> None:
    with pytest.raises(ValueError, match="multiples of 16"):
        TransUNet((224, 100))
