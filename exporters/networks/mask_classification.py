"""From masks with classes to scores of pixels, as MaskFormer does (Cheng et al. 2021, section 3.3)."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

_FLOOR = 1e-3
"""Added to every sum: where no mask claims a pixel all are tiny, and ONNX Runtime's sigmoid is exact to 1e-7 only."""


class SemanticMasks(nn.Module):
    """Probabilities (N, L, h, w): sums over queries of class times mask probability, as shares of all sums.

    Args:
        network: of transformers; classifies masks.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        """Probabilities at a quarter of the input's size."""
        found = self.network(images)
        classes = functional.softmax(found.class_queries_logits, dim=-1)[..., :-1]
        masks = found.masks_queries_logits.sigmoid()
        sums = torch.einsum("bqc,bqhw->bchw", classes, masks) + _FLOOR
        return sums / sums.sum(dim=1, keepdim=True)


def classifies_masks(network: Any) -> bool:
    """Whether a network of transformers gives masks and their classes instead of scores of pixels."""
    return type(network).__name__.endswith(("ForInstanceSegmentation", "ForUniversalSegmentation"))
