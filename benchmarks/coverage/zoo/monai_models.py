"""Networks of MONAI, in two and three dimensions."""

from collections.abc import Callable
from typing import Any

from torch import nn

from benchmarks.coverage.zoo.model import Model

CLASSES = 5


def _network(name: str, *arguments: Any, **settings: Any) -> Callable[[], nn.Module]:
    def build() -> nn.Module:
        from monai.networks import nets

        made: nn.Module = getattr(nets, name)(*arguments, **settings)
        return made

    return build


def _unet(dimensions: int) -> Callable[[], nn.Module]:
    return _network("UNet", dimensions, 1, CLASSES, (16, 32, 64, 128), (2, 2, 2), num_res_units=2)


def _swin_unetr(dimensions: int, features: int) -> Callable[[], nn.Module]:
    return _network("SwinUNETR", in_channels=1, out_channels=CLASSES, feature_size=features, spatial_dims=dimensions)


def _unetr(size: tuple[int, ...]) -> Callable[[], nn.Module]:
    return _network(
        "UNETR", 1, CLASSES, size, feature_size=8, hidden_size=96, mlp_dim=192, num_heads=4, spatial_dims=len(size)
    )


_NNUNET = _network("DynUNet", 2, 1, CLASSES, [3, 3, 3, 3], [1, 2, 2, 2], [2, 2, 2])
_ATTENTION_UNET = _network("AttentionUnet", 2, 1, CLASSES, (16, 32, 64), (2, 2))
_SEGRESNET = _network("SegResNet", 3, 8, 1, CLASSES)

MODELS: dict[str, Model] = {
    "monai/unet_2d": Model("UNet", _unet(2), (1, 128, 128)),
    "monai/unet_3d": Model("UNet 3-D", _unet(3), (1, 48, 48, 48)),
    "monai/dynunet_2d": Model("DynUNet (nnU-Net)", _NNUNET, (1, 128, 128), widely=True),
    "monai/attention_unet_2d": Model("Attention U-Net", _ATTENTION_UNET, (1, 128, 128)),
    "monai/segresnet_3d": Model("SegResNet 3-D", _SEGRESNET, (1, 32, 32, 32)),
    "monai/swin_unetr_2d": Model("SwinUNETR", _swin_unetr(2, 24), (1, 128, 128), widely=True),
    "monai/swin_unetr_3d": Model("SwinUNETR 3-D", _swin_unetr(3, 12), (1, 64, 64, 64)),
    "monai/unetr_2d": Model("UNETR", _unetr((128, 128)), (1, 128, 128), widely=True),
    "monai/unetr_3d": Model("UNETR 3-D", _unetr((64, 64, 64)), (1, 64, 64, 64)),
}
