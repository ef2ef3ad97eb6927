"""monai.networks.nets, in two and three dimensions."""

import inspect
import warnings
from pathlib import Path
from typing import Any

from exporters.downloads import from_hub
from exporters.family import Family
from exporters.request import Request
from exporters.source import Source
from misure_onnx.errors import InputError


def build(request: Request) -> Source:
    """A network of MONAI, or the network of a bundle of its model zoo."""
    import monai

    from exporters.torch_network import filled, torch_source

    size = request.required_size()
    network = _bundle(request) if request.pretrained else filled(lambda: _network(request), request)
    declared = request.described(
        request.required_preprocessing(), source=f"monai {monai.__version__} {request.model}", size=size
    )
    return torch_source(network, request, declared, kind=_kind(request))


def _kind(request: Request) -> Any:
    from exporters.torch_network import score_kind

    return None if request.pretrained else score_kind(request.class_count or 1)


def _network(request: Request) -> Any:
    from monai.networks import nets

    from exporters.torch_network import constructed

    make = getattr(nets, request.model, None)
    if not inspect.isclass(make):
        raise InputError(f"monai.networks.nets has no network {request.model!r}")
    size = request.required_size()
    known = inspect.signature(make).parameters
    usual = {
        "spatial_dims": len(size),
        "in_channels": request.channels,
        "out_channels": request.class_count or 1,
        "img_size": size,
    }
    arguments = {name: value for name, value in usual.items() if name in known}
    return constructed(make, request.model, {**arguments, **request.settings})


def _bundle(request: Request) -> Any:
    """MONAI copies weights where names and shapes fit; whether all of them did is checked here."""
    import torch
    from monai.bundle.scripts import load

    from exporters.weights import load_weights

    place = Path(torch.hub.get_dir(), "bundle")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # that configurations are code: the option's help says so
        network = from_hub(request.model, lambda: load(request.model, bundle_dir=place, device="cpu"))
    if not isinstance(network, torch.nn.Module):
        raise InputError(f"bundle {request.model!r} has no network definition: build it by name and pass --weights")
    load_weights(network, place / request.model / "models" / "model.pt")
    return network


FAMILY = Family(
    summary="monai.networks.nets, for images and volumes",
    model="UNet, DynUNet, SwinUNETR, SegResNet, ...; the name of a bundle with --pretrained",
    settings="arguments of the network; spatial_dims, in_channels, out_channels and img_size follow --size, "
    "--channels and --classes",
    weights="a state dict",
    pretrained="a bundle of the model zoo; its configuration is code that runs here",
    packages=("torch", "monai", "onnxscript"),
    build=build,
)
