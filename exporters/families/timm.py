"""Backbones of timm as encoders of segmentation_models_pytorch's architectures (encoder `tu-NAME` there)."""

from exporters.families.smp import class_count, network_of
from exporters.family import Family
from exporters.request import Request
from exporters.source import Source
from misure_onnx.errors import InputError
from misure_onnx.preprocessing import PRESETS, Preprocessing

_DECODER = "Unet"


def build(request: Request) -> Source:
    """A backbone with a decoder; mean and standard deviation are those that timm keeps for the backbone."""
    import timm

    from exporters.torch_network import score_kind, torch_source

    if request.pretrained:
        raise InputError(
            "timm has pretrained backbones, but no pretrained segmentation networks: pass --weights FILE with the "
            "state dict of the whole network"
        )
    if not timm.is_model(request.model):
        raise InputError(f"timm has no backbone {request.model!r}: timm.list_models('*NAME*') finds one")
    settings = dict(request.settings)
    decoder = settings.pop("decoder", _DECODER)
    network = network_of(decoder, request, {"encoder_name": f"tu-{request.model}", **settings})
    declared = request.described(
        request.preprocessing or _own_preprocessing(request),
        source=f"timm {timm.__version__} {request.model} with segmentation_models_pytorch's {decoder}",
        size=request.required_size(),
    )
    return torch_source(network, request, declared, kind=score_kind(class_count(network)))


def _own_preprocessing(request: Request) -> Preprocessing:
    import timm

    if request.channels != 3:
        return request.required_preprocessing()
    known = timm.get_pretrained_cfg(request.model)
    return Preprocessing(1 / 255, tuple(known.mean), tuple(known.std), color="RGB") if known else PRESETS["imagenet"]


FAMILY = Family(
    summary="backbones of timm with a decoder of segmentation_models_pytorch",
    model="convnext_atto, vit_tiny_patch16_224, ...",
    settings=f"decoder=NAME ({_DECODER}), and the decoder's arguments",
    weights="the state dict of the whole network, as segmentation_models_pytorch names it",
    pretrained="is refused: timm's hub has backbones alone",
    packages=("torch", "timm", "segmentation_models_pytorch", "onnxscript"),
    build=build,
)
