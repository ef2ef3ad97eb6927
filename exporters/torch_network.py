"""A torch network as a source: which of its results is exported, and how it becomes ONNX."""

import dataclasses
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from exporters.request import Request, TorchExporter
from exporters.source import Source
from exporters.weights import load_weights
from misure_onnx.errors import InputError
from misure_onnx.preprocessing import Layout, Preprocessing
from misure_onnx.scores import ScoreKind
from misure_onnx.types import AnyArray, Images

OPSETS: dict[TorchExporter, int] = {"dynamo": 18, "legacy": 17}
"""What each exporter writes by itself or best; the newer one converts every other opset afterwards."""

_MOST_IMAGES = 64
_USUAL_HEADS = ("out", "logits")


class OneResult(nn.Module):
    """A network that returns a tensor, whatever it returned before.

    Args:
        network: may return a tensor, a mapping, an object with the attributes of a mapping, or a sequence.
        head: a key or a number; None: `out` or `logits` of a mapping, the first of a sequence.
    """

    def __init__(self, network: nn.Module, head: str | None = None) -> None:
        super().__init__()
        self.network, self.head = network, head

    def forward(self, images: Tensor) -> Tensor:
        """Scores of images."""
        return chosen(self.network(images), self.head)


def chosen(result: Any, head: str | None) -> Tensor:
    """One tensor of what a network returned.

    Raises:
        InputError: there is no such result, or which one is meant cannot be told.
    """
    if isinstance(result, Mapping):
        key = head or next((name for name in _USUAL_HEADS if name in result), None)
        if key is None or key not in result:
            raise InputError(f"the network returns {', '.join(map(str, result))}: choose one with --head")
        result = result[key]
    elif isinstance(result, list | tuple):
        if head is not None and not (head.isdigit() and int(head) < len(result)):
            raise InputError(
                f"the network returns {len(result)} results: --head takes 0 to {len(result) - 1}, not {head!r}"
            )
        result = result[int(head or 0)]
    if not isinstance(result, Tensor):
        raise InputError(f"the network returns a {type(result).__name__}; expected a tensor of scores")
    return result


def constructed(make: Callable[..., Any], name: str, arguments: Mapping[str, Any]) -> Any:
    """A network from its constructor, whose complaints become the user's.

    Raises:
        InputError: the constructor refuses the arguments.
    """
    try:
        return make(**arguments)
    except (TypeError, ValueError, KeyError, AssertionError, RuntimeError) as error:
        given = ", ".join(f"{key}={value!r}" for key, value in arguments.items())
        raise InputError(f"{name}({given}) is refused: {error} (--set NAME=VALUE sets an argument)") from error


def filled(make: Callable[[], nn.Module], request: Request) -> nn.Module:
    """A network with the weights of a file, or with random ones from the request's seed."""
    if request.seed is not None:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(request.seed)
            return make()
    network = make()
    if request.weights is not None:
        load_weights(network, request.weights)
    return network


def torch_source(
    network: nn.Module,
    request: Request,
    declared: Preprocessing,
    *,
    channels: int | None = None,
    kind: ScoreKind | None = None,
) -> Source:
    """A network that returns a tensor of scores, in any layout that the library reads.

    Args:
        network: with its weights.
        request: what else was asked for.
        declared: with the size of the input, and NHWC as the layout of a network that takes the channels last.
        channels: C; None: the request's.
        kind: what the scores are where the request does not say; None: found in the graph.
    """
    network = OneResult(network, request.head).eval().cpu().float()
    _bake(network)
    channels = channels or request.channels
    size = declared.size or request.required_size()
    layout: Layout = declared.layout or ("NCDHW" if len(size) == 3 else "NCHW")
    declared = dataclasses.replace(declared, size=size, layout=layout, output=request.output or kind)

    def predict(images: Images) -> AnyArray:
        with torch.inference_mode():
            found: AnyArray = network(_placed(torch.from_numpy(images), layout)).numpy()
        return found

    def write(path: Path) -> str | None:
        images = _placed(torch.zeros(2, channels, *size), layout)
        return write_onnx(network, images, path, request.exporter, request.opset)

    return Source(declared, channels, predict, write)


def score_kind(classes: int) -> ScoreKind:
    """What networks return that end in a convolution: several classes exclude each other, one is a yes or no."""
    return "logits" if classes > 1 else "sigmoid_logits"


def write_onnx(
    network: nn.Module, images: Tensor, path: Path, exporter: TorchExporter = "dynamo", opset: int | None = None
) -> str | None:
    """Writes a graph with a free batch axis, or one for a single image where the network fixes it.

    Args:
        network: in evaluation mode.
        images: two of the input's shape.
        path: of the ONNX file.
        exporter: see `Request`.
        opset: see `Request`.

    Returns:
        None, or why the batch axis is fixed.

    Raises:
        InputError: the exporter cannot write the network either way.
    """
    write = {"dynamo": _write_dynamo, "legacy": _write_legacy}[exporter]
    version = opset or OPSETS[exporter]
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # the exporters' own
        try:
            write(network, images, path, version, free=True)
        except Exception as error:  # noqa: BLE001 - the exporters raise many kinds
            try:
                write(network, images[:1], path, version, free=False)
            except Exception as again:
                other = "legacy" if exporter == "dynamo" else "dynamo"
                raise InputError(
                    f"torch's {exporter} exporter cannot write this network: {_in_one_line(again)}; "
                    f"try --exporter {other}, or another --opset"
                ) from again
            return f"takes one image a call: with a free batch axis the exporter said: {_in_one_line(error)}"
    return None


def _write_dynamo(network: nn.Module, images: Tensor, path: Path, opset: int, *, free: bool) -> None:
    shapes = ({0: torch.export.Dim("batch", max=_MOST_IMAGES)},) if free else None
    torch.onnx.export(
        network, (images,), path, dynamo=True, opset_version=opset, external_data=False, verbose=False,
        input_names=["image"], output_names=["scores"], dynamic_shapes=shapes,
    )  # fmt: skip


def _write_legacy(network: nn.Module, images: Tensor, path: Path, opset: int, *, free: bool) -> None:
    axes = {"image": {0: "batch"}, "scores": {0: "batch"}} if free else None
    torch.onnx.export(
        network, (images,), str(path), dynamo=False, opset_version=opset, input_names=["image"],
        output_names=["scores"], dynamic_axes=axes,
    )  # fmt: skip


def _bake(network: nn.Module) -> None:
    """Weights that are computed from others (standardised, spectrally normalised) become plain ones."""
    for module in list(network.modules()):
        if parametrize.is_parametrized(module):
            for name in list(cast("nn.ModuleDict", module.parametrizations)):
                parametrize.remove_parametrizations(module, name)


def _placed(images: Tensor, layout: Layout) -> Tensor:
    return images if layout.startswith("NC") else images.movedim(1, -1)


def _in_one_line(error: Exception) -> str:
    """The first line that says something, without the terminal's colours."""
    text = str(getattr(error, "__cause__", None) or error)
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return (lines or [type(error).__name__])[0][:300]
