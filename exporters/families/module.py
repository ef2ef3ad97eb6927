"""Any torch module of the user's own code."""

from typing import Any

from exporters.family import Family
from exporters.named import named_object
from exporters.request import Request
from exporters.source import Source
from misure_onnx.errors import InputError


def build(request: Request) -> Source:
    """A module, or what a class or function without further arguments makes."""
    from exporters.torch_network import filled, torch_source

    found = named_object(request.model)
    declared = request.described(request.required_preprocessing(), source=request.model, size=request.required_size())
    return torch_source(filled(lambda: _network(found, request), request), request, declared)


def _network(found: Any, request: Request) -> Any:
    from torch import nn

    from exporters.torch_network import constructed

    if isinstance(found, nn.Module):
        if request.seed is not None or request.settings:
            raise InputError(f"{request.model} is a finished network: use --weights FILE, or --pretrained for its own")
        return found
    made = constructed(found, request.model, request.settings) if callable(found) else found
    if not isinstance(made, nn.Module):
        raise InputError(f"{request.model} gives a {type(made).__name__}; expected a torch.nn.Module")
    return made


FAMILY = Family(
    summary="any torch module of your own code",
    model="package.module:attribute: a module, or a class or function that makes one",
    settings="arguments of that class or function",
    weights="a state dict",
    pretrained="keeps the weights that the object brings",
    packages=("torch", "onnxscript"),
    build=build,
)
