"""segmentation_models_pytorch."""

from collections.abc import Mapping
from typing import Any

from exporters.downloads import from_hub
from exporters.family import Family
from exporters.request import Request
from exporters.source import Source
from misure_onnx.errors import InputError
from misure_onnx.preprocessing import PRESETS

_ARCHITECTURES = (
    "DPT", "DeepLabV3", "DeepLabV3Plus", "FPN", "Linknet", "MAnet", "PAN", "PSPNet", "Segformer", "UPerNet", "Unet",
    "UnetPlusPlus",
)  # fmt: skip


def build(request: Request) -> Source:
    """An architecture with an encoder, or a whole network that smp saved: a directory, or its name on the hub."""
    import segmentation_models_pytorch as smp

    from exporters.torch_network import score_kind, torch_source

    directory = request.weights is not None and request.weights.is_dir()
    if request.pretrained or directory:
        place = request.model if request.pretrained else str(request.weights)
        network = from_hub(place, lambda: smp.from_pretrained(place), local=directory)
    else:
        network = network_of(request.model, request, request.settings)
    declared = request.described(
        request.preprocessing or (PRESETS["imagenet"] if request.channels == 3 else request.required_preprocessing()),
        source=f"segmentation_models_pytorch {smp.__version__} {request.model}",
        size=request.required_size(),
    )
    return torch_source(network, request, declared, kind=None if directory else score_kind(class_count(network)))


def class_count(network: Any) -> int:
    """L of one of smp's networks."""
    return int(network.segmentation_head[0].out_channels)


def network_of(architecture: str, request: Request, settings: Mapping[str, Any]) -> Any:
    """One of smp's architectures with the request's weights.

    Raises:
        InputError: there is no such architecture, or it refuses the settings.
    """
    import segmentation_models_pytorch as smp

    from exporters.torch_network import constructed, filled

    if architecture not in _ARCHITECTURES:
        raise InputError(
            f"segmentation_models_pytorch has no architecture {architecture!r}; it has {', '.join(_ARCHITECTURES)} "
            "(whole networks of its hub, as smp-hub/NAME, need --pretrained)"
        )
    arguments = {"encoder_weights": None, "in_channels": request.channels, "classes": request.class_count or 1}
    return filled(lambda: constructed(getattr(smp, architecture), architecture, {**arguments, **settings}), request)


FAMILY = Family(
    summary="segmentation_models_pytorch",
    model="Unet, UnetPlusPlus, FPN, DeepLabV3Plus, Segformer, UPerNet, ...; smp-hub/NAME with --pretrained",
    settings="arguments of the architecture, as encoder_name=resnet34",
    weights="a state dict, or a directory that save_pretrained wrote",
    pretrained="a whole network of the hub; nothing from the hub is segmenting with encoder weights alone",
    packages=("torch", "segmentation_models_pytorch", "onnxscript"),
    build=build,
)
