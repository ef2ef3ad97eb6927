"""torchvision.models.segmentation."""

from functools import partial

from exporters.downloads import from_hub
from exporters.family import Family
from exporters.request import Request
from exporters.source import Source
from misure_onnx.errors import InputError
from misure_onnx.preprocessing import Preprocessing

_LICENCE = "BSD-3-Clause (torchvision); trained on COCO, whose terms apply to the images"


def build(request: Request) -> Source:
    """A segmentation network; what it takes and finds is what its published weights take and find."""
    import torchvision
    from torchvision.models import get_model, get_model_weights, list_models, segmentation

    from exporters.torch_network import constructed, filled, score_kind, torch_source

    name, known = request.model, list_models(module=segmentation)
    if name not in known:
        raise InputError(f"torchvision has no segmentation network {name!r}; it has {', '.join(known)}")
    published = get_model_weights(name).DEFAULT
    transform, (side,) = published.transforms(), published.transforms().resize_size
    names = tuple(category.strip("_") for category in published.meta["categories"])
    classes = request.class_count or len(names)
    if request.pretrained:
        network = from_hub(name, lambda: get_model(name, weights=published, **request.settings))
    else:
        arguments = {"weights": None, "weights_backbone": None, "num_classes": classes, **request.settings}
        network = filled(lambda: constructed(partial(get_model, name), name, arguments), request)
    declared = request.described(
        request.preprocessing or Preprocessing(1 / 255, tuple(transform.mean), tuple(transform.std), color="RGB"),
        source=f"torchvision {torchvision.__version__} {name}",
        size=(side, side),
        class_names=names if classes == len(names) else None,
        licence=_LICENCE if request.pretrained else None,
    )
    return torch_source(network, request, declared, kind=score_kind(classes))


FAMILY = Family(
    summary="torchvision.models.segmentation",
    model="deeplabv3_resnet50, fcn_resnet101, lraspp_mobilenet_v3_large, ...",
    settings="arguments of the network, as aux_loss=True for published weights with an auxiliary head",
    weights="a state dict",
    pretrained="torchvision's own weights (COCO images, the 21 classes of VOC)",
    packages=("torch", "torchvision", "onnxscript"),
    build=build,
)
