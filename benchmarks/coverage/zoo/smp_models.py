"""Networks of segmentation_models_pytorch; encoders with `tu-` come from timm."""

from torch import nn

from benchmarks.coverage.zoo.model import Model


def _network(architecture: str, encoder: str, channels: int) -> nn.Module:
    import segmentation_models_pytorch

    made: nn.Module = getattr(segmentation_models_pytorch, architecture)(
        encoder_name=encoder, encoder_weights=None, in_channels=channels, classes=9
    )
    return made


def _model(architecture: str, encoder: str, *, channels: int = 3, side: int = 128, widely: bool = False) -> Model:
    shape = (channels, side, side)
    return Model(architecture, lambda: _network(architecture, encoder, channels), shape, widely=widely)


MODELS: dict[str, Model] = {
    "smp/unet_resnet34": _model("Unet", "resnet34", channels=1, side=224, widely=True),
    "smp/unet_vgg16": _model("Unet", "vgg16", widely=True),
    "smp/unetplusplus_resnet18": _model("UnetPlusPlus", "resnet18", widely=True),
    "smp/manet_resnet18": _model("MAnet", "resnet18", widely=True),
    "smp/fpn_resnet34": _model("FPN", "resnet34"),
    "smp/pspnet_resnet34": _model("PSPNet", "resnet34"),
    "smp/pan_resnet18": _model("PAN", "resnet18"),
    "smp/deeplabv3plus_efficientnet_b0": _model("DeepLabV3Plus", "efficientnet-b0"),
    "smp/linknet_mobilenet_v2": _model("Linknet", "mobilenet_v2"),
    "smp/segformer_mit_b0": _model("Segformer", "mit_b0"),
    "smp/upernet_convnext": _model("UPerNet", "tu-convnext_atto"),
    "smp/upernet_swin": _model("UPerNet", "tu-swin_tiny_patch4_window7_224", side=224),
    "smp/dpt_vit": _model("DPT", "tu-vit_tiny_patch16_224", side=224, widely=True),
}
