"""The torch network that a measured file was exported from, or the torch bridge where there is none."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import torch
from torch import Tensor, nn
from torch.nn import functional

from exporters.demo_model.unet import UNet
from misure_onnx.gradients.score_tensor import score_tensor
from misure_onnx.gradients.torch_bridge.interpreter import TorchGraph
from misure_onnx.graph.graph_backed import graph_of
from misure_onnx.graph.load import load_with_weights
from misure_onnx.segmenter import Segmenter
from misure_onnx.types import Images

PARITY = 1e-3
"""Largest difference of scores from the deployed file, as a share of the largest score."""


def _bundled() -> nn.Module:
    return UNet()


def _pan() -> nn.Module:
    import segmentation_models_pytorch as smp  # noqa: PLC0415 - one network of several

    network: nn.Module = smp.PAN("timm-mobilenetv3_small_100", encoder_weights=None, classes=3, activation="sigmoid")
    return network


ORIGINALS: dict[str, Callable[[], nn.Module]] = {"triangle": _bundled, "pan_mnv3s_skin_clothes_hair": _pan}
"""By the file's name: how the network was built that it was exported from."""


@dataclass(frozen=True, eq=False)
class TorchNetwork:
    """A torch function with the deployed file's scores.

    Attributes:
        scores: (1, C, H, W) -> (1, L, H, W), differentiable in the image; its weights are frozen.
        origin: `original`, the network that was exported, or `bridge`, the file run by torch functions.
    """

    scores: Callable[[Tensor], Tensor]
    origin: str


def original(segmenter: Segmenter, image: Images) -> TorchNetwork | None:
    """The network with the file's weights; None where it is not known how the network was built.

    Raises:
        ValueError: its scores are not the deployed file's.
    """
    deployed = graph_of(segmenter)
    build = ORIGINALS.get(Path(deployed.path).stem)
    if build is None:
        return None
    network = build().eval().requires_grad_(requires_grad=False)
    _take_weights(network, load_with_weights(deployed.path), torch.from_numpy(image))
    with torch.no_grad():
        own = network(torch.from_numpy(image)).numpy()
    expected = segmenter.predict(image)
    difference = float(np.abs(own - expected).max() / np.abs(expected).max())
    if not difference <= PARITY:
        raise ValueError(f"expected the scores of {deployed.path}, got a difference of {difference:.2g} of the largest")
    return TorchNetwork(network, "original")


def bridge(segmenter: Segmenter) -> TorchNetwork:
    """The deployed file run by torch functions, with scores at the image's size."""
    deployed = graph_of(segmenter)
    model = load_with_weights(deployed.path)
    output = score_tensor(model, deployed.output)
    graph = TorchGraph(model, outputs=[output.name])

    def scores(images: Tensor) -> Tensor:
        own = images if deployed.input.layout.startswith("NC") else images.movedim(1, -1)
        (result,) = graph({deployed.input.name: own})
        height, width = images.shape[2:]
        own_size = output.size_of(tuple(result.shape), (height, width))
        result = (
            result.reshape(1, -1, *own_size)
            if output.classes_first
            else result.reshape(1, *own_size, -1).movedim(-1, 1)
        )
        if own_size == (height, width):
            return result
        return functional.interpolate(result, (height, width), mode="bilinear", align_corners=False)

    return TorchNetwork(scores, "bridge")


def _take_weights(network: nn.Module, model: onnx.ModelProto, image: Tensor) -> None:
    """The file's convolutions, in the order in which they run; its folded normalisations become identities.

    The network keeps its normalisations and pays for them, as it did before it was exported.
    """
    weights = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    nodes = [node for node in model.graph.node if node.op_type in ("Conv", "ConvTranspose")]
    for node, layer in zip(nodes, _in_order(network, image), strict=True):
        layer.weight.data.copy_(torch.tensor(weights[node.input[1]]))
        bias = torch.tensor(weights[node.input[2]]) if len(node.input) > 2 else torch.zeros(layer.out_channels)
        layer.bias = nn.Parameter(bias, requires_grad=False)
        _take_dilation(layer, node)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.reset_parameters()  # mean 0, variance 1, weight 1, bias 0
            module.eps = 0.0


def _take_dilation(layer: nn.Conv2d | nn.ConvTranspose2d, node: onnx.NodeProto) -> None:
    """As the file has it: versions of a library dilate different layers for the same output stride."""
    attributes = {attribute.name: tuple(attribute.ints) for attribute in node.attribute}
    pads = attributes.get("pads", (0, 0, 0, 0))
    if pads[:2] == pads[2:]:  # else the layer pads its input by itself
        layer.dilation, layer.padding = attributes.get("dilations", (1, 1)), pads[:2]


def _in_order(network: nn.Module, image: Tensor) -> Iterator[nn.Conv2d | nn.ConvTranspose2d]:
    """Its convolutions as a forward meets them."""
    met: list[nn.Conv2d | nn.ConvTranspose2d] = []
    hooks = [
        module.register_forward_hook(lambda layer, *_: met.append(layer))
        for module in network.modules()
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d)
    ]
    with torch.no_grad():
        network(image)
    for hook in hooks:
        hook.remove()
    return iter(met)
