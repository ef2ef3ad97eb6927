"""Networks of transformers; small where the published size would only cost time."""

from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own abbreviation
from torch import Tensor, nn

from benchmarks.coverage.zoo.model import Entry, Model

CLASSES = 9


class SemanticMasks(nn.Module):
    """A network that classifies masks, with the usual way from its queries to scores a pixel."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor) -> Tensor:
        """Scores (N, L, H, W): over queries, the sum of class probability times mask probability."""
        found = self.network(image)
        classes = found.class_queries_logits.softmax(-1)[..., :-1]
        masks = F.interpolate(
            found.masks_queries_logits, size=image.shape[-2:], mode="bilinear", align_corners=False
        ).sigmoid()
        return torch.einsum("bqc,bqhw->bchw", classes, masks)


def _made(network: str, configuration: str, **settings: Any) -> nn.Module:
    import transformers

    made: nn.Module = getattr(transformers, network)(
        getattr(transformers, configuration)(num_labels=CLASSES, **settings)
    )
    return made


def _segformer() -> nn.Module:
    return Entry(_made("SegformerForSemanticSegmentation", "SegformerConfig"), "logits")


def _mobilevit() -> nn.Module:
    """Wider initial weights, with which random scores differ from pixel to pixel."""
    network = _made(
        "MobileViTForSemanticSegmentation",
        "MobileViTConfig",
        initializer_range=0.1,
        hidden_sizes=[48, 64, 80],
        neck_hidden_sizes=[16, 32, 48, 64, 80, 96, 320],
    )
    return Entry(network, "logits")


def _beit() -> nn.Module:
    network = _made(
        "BeitForSemanticSegmentation",
        "BeitConfig",
        image_size=112,
        hidden_size=96,
        num_hidden_layers=12,
        num_attention_heads=4,
        intermediate_size=192,
        use_relative_position_bias=True,
        use_absolute_position_embeddings=True,
        out_indices=[3, 5, 7, 11],
    )
    return Entry(network, "logits")


def _dpt() -> nn.Module:
    network = _made(
        "DPTForSemanticSegmentation",
        "DPTConfig",
        initializer_range=0.15,
        image_size=128,
        hidden_size=96,
        num_hidden_layers=12,
        num_attention_heads=4,
        intermediate_size=192,
        neck_hidden_sizes=[24, 48, 96, 96],
        fusion_hidden_size=64,
    )
    return Entry(network, "logits")


def _mask2former() -> nn.Module:
    network = _made(
        "Mask2FormerForUniversalSegmentation",
        "Mask2FormerConfig",
        num_queries=20,
        decoder_layers=4,
        encoder_layers=2,
        hidden_dim=64,
        feature_size=64,
        mask_feature_size=64,
        encoder_feedforward_dim=128,
        dim_feedforward=128,
        num_attention_heads=4,
    )
    return SemanticMasks(network)


def _maskformer() -> nn.Module:
    return SemanticMasks(_made("MaskFormerForInstanceSegmentation", "MaskFormerConfig"))


MODELS: dict[str, Model] = {
    "transformers/segformer_b0": Model("SegFormer", _segformer, (3, 128, 128), widely=True),
    "transformers/mobilevit_deeplabv3": Model("MobileViT", _mobilevit, (3, 128, 128), widely=True),
    "transformers/beit_upernet": Model("BEiT / UPerNet", _beit, (3, 112, 112)),
    "transformers/dpt": Model("DPT", _dpt, (3, 128, 128)),
    "transformers/mask2former": Model("Mask2Former", _mask2former, (3, 128, 128)),
    "transformers/maskformer": Model("MaskFormer", _maskformer, (3, 128, 128)),
}
