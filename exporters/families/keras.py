"""Keras 3, run by torch and exported through torch.onnx."""

import os
import sys
import zipfile
from typing import Any

from exporters.family import Family
from exporters.named import named_object
from exporters.request import Request
from exporters.source import Source
from misure_onnx.errors import InputError

_BACKEND = "torch"


def build(request: Request) -> Source:
    """A saved model, or what a function of the user's own code makes."""
    if "keras" not in sys.modules:
        os.environ["KERAS_BACKEND"] = _BACKEND
    import keras

    from exporters.networks.channels_last import Called
    from exporters.torch_network import torch_source

    if keras.backend.backend() != _BACKEND:
        raise InputError(
            f"Keras already runs on {keras.backend.backend()!r} in this process; the exporter needs {_BACKEND!r}: "
            "start it in a process of its own, or set KERAS_BACKEND=torch"
        )
    network = _network(request)
    size, channels, layout = _input(network, request)
    declared = request.described(
        request.required_preprocessing(), source=f"keras {keras.__version__} {request.model}", size=size
    )
    return torch_source(Called(network), request, _with_layout(declared, layout), channels=channels)


def _with_layout(declared: Any, layout: Any) -> Any:
    import dataclasses

    return dataclasses.replace(declared, layout=layout)


def _network(request: Request) -> Any:
    import keras

    from exporters.torch_network import constructed

    if request.model.endswith(".keras"):
        try:
            network = keras.saving.load_model(request.model, compile=False, safe_mode=True)
        except (OSError, ValueError, TypeError, zipfile.BadZipFile) as error:
            raise InputError(f"{request.model} cannot be read as a Keras model: {error}") from error
    else:
        if request.seed is not None:
            keras.utils.set_random_seed(request.seed)
        found = named_object(request.model)
        network = found if isinstance(found, keras.Model) else constructed(found, request.model, request.settings)
    if not isinstance(network, keras.Model):
        raise InputError(f"{request.model} gives a {type(network).__name__}; expected a keras.Model")
    if request.weights is not None:
        try:
            network.load_weights(request.weights)
        except (OSError, ValueError) as error:
            raise InputError(f"{request.weights}: no weights of this network: {error}") from error
    return network


def _input(network: Any, request: Request) -> tuple[Any, int, Any]:
    """(size, C, layout) of the network's input."""
    import keras

    shape = network.input_shape
    if not isinstance(shape, tuple) or len(shape) not in (4, 5):
        raise InputError(f"expected a network with one image input, this one takes {shape}")
    last = keras.config.image_data_format() == "channels_last"
    spatial, channels = (shape[1:-1], shape[-1]) if last else (shape[2:], shape[1])
    names = {(4, True): "NHWC", (4, False): "NCHW", (5, True): "NDHWC", (5, False): "NCDHW"}
    size = request.size or (tuple(spatial) if None not in spatial else request.required_size())
    return size, channels or request.channels, names[len(shape), last]


FAMILY = Family(
    summary="Keras 3, on its torch backend",
    model="model.keras with --pretrained, or package.module:attribute: a model, or a function that makes one",
    settings="arguments of that function",
    weights="a .weights.h5 file",
    pretrained="keeps the weights that the model brings; a .keras file is read without running code in it",
    packages=("keras", "torch", "onnxscript"),
    build=build,
)
