"""transformers: networks for semantic segmentation, and those that classify masks."""

from pathlib import Path
from typing import Any

from exporters.downloads import from_hub
from exporters.family import Family
from exporters.request import Request
from exporters.source import Source
from misure_onnx.errors import InputError
from misure_onnx.preprocessing import PRESETS, Interpolation, Preprocessing

_INTERPOLATIONS: dict[int, Interpolation] = {0: "nearest", 2: "linear", 3: "cubic"}
"""Pillow's numbers; OpenCV does the same when it enlarges, and smooths less when it shrinks."""

_SIDE = 512


def build(request: Request) -> Source:
    """A network from a directory, from the hub, or of a kind with random weights."""
    import transformers

    from exporters.networks.mask_classification import SemanticMasks, classifies_masks
    from exporters.torch_network import filled, torch_source

    if request.seed is None:
        if request.weights is not None and not request.weights.is_dir():
            raise InputError(
                f"--weights {str(request.weights)!r} is no directory; transformers keeps a network in one: config.json "
                "and model.safetensors, as save_pretrained writes them"
            )
        local = request.weights is not None
        place = str(request.weights) if local else request.model
        network = from_hub(place, lambda: _saved(place, local=local), local=local)
        declared, side = _processed(place, local=local)
    else:
        network = filled(lambda: _made(request), request)
        declared, side = PRESETS["imagenet"], (_SIDE, _SIDE)
    own_side = getattr(network.config, "image_size", None)
    named = network.config.id2label
    declared = request.described(
        request.preprocessing or declared,
        source=f"transformers {transformers.__version__} {request.model}",
        size=(own_side, own_side) if isinstance(own_side, int) and request.seed is not None else side,
        class_names=None if request.seed is not None else tuple(named[index] for index in range(len(named))),
    )
    if classifies_masks(network):
        return torch_source(SemanticMasks(network), request, declared, kind="softmax")
    return torch_source(network, request, declared, kind="logits")


def _made(request: Request) -> Any:
    """A network of a kind, with the architecture of its configuration's defaults."""
    from transformers import AutoConfig, AutoModelForSemanticSegmentation, AutoModelForUniversalSegmentation

    from exporters.torch_network import constructed

    arguments = {"model_type": request.model, "num_labels": request.class_count or 2, **request.settings}
    config = constructed(AutoConfig.for_model, "AutoConfig.for_model", arguments)
    for auto in (AutoModelForSemanticSegmentation, AutoModelForUniversalSegmentation):
        if type(config) in auto._model_mapping:  # noqa: SLF001 - the library asks the same way
            return constructed(auto.from_config, request.model, {"config": config})
    raise InputError(f"transformers has no segmentation network of the kind {request.model!r}")


def _saved(place: str, *, local: bool) -> Any:
    from transformers import AutoConfig, AutoModelForSemanticSegmentation, AutoModelForUniversalSegmentation

    config = AutoConfig.from_pretrained(place, local_files_only=local)
    for auto in (AutoModelForSemanticSegmentation, AutoModelForUniversalSegmentation):
        if type(config) in auto._model_mapping:  # noqa: SLF001 - the library asks the same way
            return auto.from_pretrained(place, local_files_only=local)
    raise InputError(f"{place}: {config.model_type!r} is no segmentation network")


def _processed(place: str, *, local: bool) -> tuple[Preprocessing, tuple[int, int]]:
    """What the saved image processor does, without its cropping and padding.

    Raises:
        InputError: none was saved with the network.
    """
    if local and not Path(place, "preprocessor_config.json").is_file():
        return PRESETS["imagenet"], (_SIDE, _SIDE)
    found = from_hub(place, lambda: _processor(place, local=local), local=local)
    return from_processor(found)


def _processor(place: str, *, local: bool) -> Any:
    from transformers import AutoImageProcessor

    auto: Any = AutoImageProcessor
    return auto.from_pretrained(place, local_files_only=local)


def from_processor(processor: Any) -> tuple[Preprocessing, tuple[int, int]]:
    """An image processor's settings as a declaration, and its (height, width)."""
    normalised = bool(getattr(processor, "do_normalize", False))
    size = dict(getattr(processor, "size", None) or {})
    side: int = size.get("shortest_edge") or _SIDE
    declared = Preprocessing(
        scale=processor.rescale_factor if getattr(processor, "do_rescale", False) else 1.0,
        mean=tuple(processor.image_mean) if normalised else (0.0,),
        std=tuple(processor.image_std) if normalised else (1.0,),
        color="BGR" if getattr(processor, "do_flip_channel_order", False) else "RGB",
        interpolation=_INTERPOLATIONS.get(int(getattr(processor, "resample", 2)), "linear"),
    )
    return declared, (size.get("height") or side, size.get("width") or side)


FAMILY = Family(
    summary="transformers: SegFormer, MobileViT, BEiT, DPT, UPerNet, MaskFormer, Mask2Former, ...",
    model="the name on the hub; with --random-weights or --weights the kind, as segformer",
    settings="fields of the configuration, with --random-weights",
    weights="a directory that save_pretrained wrote; size and normalisation come from its image processor",
    pretrained="the network of that name on the Hugging Face hub",
    packages=("torch", "transformers", "onnxscript"),
    build=build,
)
