"""From masks with classes to scores of pixels, as MaskFormer does (Cheng et al. 2021, section 3.3)."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

_SMALLEST = 1e-12


class SemanticMasks(nn.Module):
    """Scores (N, L, h, w): the logarithm of the sum over queries of class probability times mask probability.

    The softmax of a logarithm divides by the sum, so that scores can be read as logits.

    Args:
        network: of transformers; classifies masks.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        """Scores at a quarter of the input's size."""
        found = self.network(images)
        classes = functional.softmax(found.class_queries_logits, dim=-1)[..., :-1]
        masks = found.masks_queries_logits.sigmoid()
        return torch.einsum("bqc,bqhw->bchw", classes, masks).clamp(min=_SMALLEST).log()


def classifies_masks(network: Any) -> bool:
    """Whether a network of transformers gives masks and their classes instead of scores of pixels."""
    return type(network).__name__.endswith(("ForInstanceSegmentation", "ForUniversalSegmentation"))
