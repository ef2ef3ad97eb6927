"""TransUNet (Chen et al. 2021), built from its description."""

from exporters.family import Family
from exporters.request import Request
from exporters.source import Source
from misure_onnx.errors import InputError

_SIDE = 224


def build(request: Request) -> Source:
    """The published configuration, R50-ViT-B/16 for images of 224 x 224, or another one."""
    from exporters.networks.transunet import TransUNet
    from exporters.torch_network import constructed, filled, score_kind, torch_source

    if request.model != "TransUNet":
        raise InputError(f"this family has one network: TransUNet, not {request.model!r}")
    if request.pretrained:
        raise InputError("no hub has weights of this implementation: pass --weights FILE, as its training saved them")
    height, width = request.size or (_SIDE, _SIDE)
    classes = request.class_count or 9
    arguments = {"size": (height, width), "channels": request.channels, "classes": classes, **request.settings}
    network = filled(lambda: constructed(TransUNet, "TransUNet", arguments), request)
    declared = request.described(
        request.required_preprocessing(), source="TransUNet after Chen et al. 2021", size=(height, width)
    )
    return torch_source(network, request, declared, kind=score_kind(classes))


FAMILY = Family(
    summary="TransUNet, built from the paper's description",
    model="TransUNet",
    settings="blocks, width, hidden, layers, heads, decoder",
    weights="a state dict of exporters.networks.transunet.TransUNet",
    pretrained="is refused: the authors' weights have other names",
    packages=("torch", "onnxscript"),
    build=build,
)
