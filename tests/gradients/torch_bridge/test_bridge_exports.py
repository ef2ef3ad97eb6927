"""Networks written in torch, exported by both of its exporters, against torch's own autograd."""

import importlib.util
import warnings
from pathlib import Path
from typing import Any

import onnx
import onnxruntime as ort
import pytest
import torch
import torch.nn.functional as F  # noqa: N812 - torch's own abbreviation
from torch import Tensor, nn

from misure_onnx.gradients.torch_bridge.interpreter import TorchGraph

needs_onnxscript = pytest.mark.skipif(
    importlib.util.find_spec("onnxscript") is None, reason="torch's newer exporter needs onnxscript"
)
EXPORTERS = [
    pytest.param((False, 13), id="legacy-13"),
    pytest.param((False, 17), id="legacy-17"),
    pytest.param((True, 18), id="dynamo-18", marks=needs_onnxscript),
    pytest.param((True, 20), id="dynamo-20", marks=needs_onnxscript),
]


class UNetLike(nn.Module):
    """Two levels, strided and transposed convolution, group and instance norm, a skip connection."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.LeakyReLU(0.1))
        self.down = nn.Sequential(nn.MaxPool2d(2), nn.Conv2d(8, 12, 3, padding=1), nn.InstanceNorm2d(12), nn.PReLU())
        self.deep = nn.Sequential(nn.Conv2d(12, 12, 3, stride=2, padding=1), nn.GroupNorm(3, 12), nn.SiLU())
        self.up = nn.ConvTranspose2d(12, 8, 3, stride=2, padding=1, output_padding=1)
        self.last = nn.Conv2d(28, 4, 1)

    def forward(self, image: Tensor) -> Tensor:
        first = self.first(image)
        down = self.down(first)
        up = F.interpolate(self.up(self.deep(down)), size=first.shape[2:], mode="bilinear", align_corners=True)
        middle = F.interpolate(down, scale_factor=2, mode="nearest")
        result: Tensor = self.last(torch.cat([first, middle, up], 1))
        return torch.softmax(result, 1)


class LrasppLike(nn.Module):
    """Depthwise convolution, hard activations, squeeze and excitation, a gate, bilinear and bicubic resizing."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(3, 8, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(8), nn.Hardswish()
        )
        self.depthwise = nn.Sequential(nn.Conv2d(8, 8, 5, padding=4, dilation=2, groups=8), nn.ReLU6())
        self.squeeze = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(8, 8, 1), nn.Hardsigmoid())
        self.gate = nn.Sequential(nn.AvgPool2d(3, 2, 1), nn.Conv2d(8, 8, 1), nn.Sigmoid())
        self.classes = nn.Conv2d(8, 3, 1)

    def forward(self, image: Tensor) -> Tensor:
        features = self.stem(image)
        features = features + self.depthwise(features) * self.squeeze(features)
        gate = F.interpolate(self.gate(features), size=features.shape[2:], mode="bilinear")
        scores: Tensor = self.classes(features * gate)
        return F.interpolate(scores, size=image.shape[2:], mode="bicubic")


class TransformerLike(nn.Module):
    """Patches, attention, layer norm, GELU, and a position embedding resized to the input."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, 16, 4, stride=4)
        self.position = nn.Parameter(torch.linspace(-1, 1, 16 * 9).reshape(1, 16, 3, 3))
        self.norm, self.qkv, self.out = nn.LayerNorm(16), nn.Linear(16, 48), nn.Linear(16, 16)
        self.mlp = nn.Sequential(nn.LayerNorm(16), nn.Linear(16, 32), nn.GELU(), nn.Linear(32, 16))
        self.head = nn.Conv2d(16, 5, 1)

    def forward(self, image: Tensor) -> Tensor:
        patches = self.patches(image)
        patches = patches + F.interpolate(self.position, size=patches.shape[2:], mode="bicubic")
        n, c, h, w = patches.shape
        tokens = patches.flatten(2).transpose(1, 2)
        q, k, v = self.qkv(self.norm(tokens)).reshape(n, h * w, 3, 2, c // 2).permute(2, 0, 3, 1, 4).unbind(0)
        attended = torch.softmax(q @ k.transpose(-1, -2) / (c // 2) ** 0.5, -1) @ v
        tokens = tokens + self.out(attended.transpose(1, 2).reshape(n, h * w, c))
        tokens = tokens + self.mlp(tokens)
        maps = self.head(tokens.transpose(1, 2).reshape(n, c, h, w))
        return F.interpolate(maps, scale_factor=4.0, mode="bilinear")


@pytest.mark.parametrize("exporter", EXPORTERS)
@pytest.mark.parametrize("network", [UNetLike, LrasppLike, TransformerLike])
@pytest.mark.parametrize("free_size", [False, True])
def test_scores_and_gradient_equal_torch(
    tmp_path: Path,
    network: type[nn.Module],
    exporter: tuple[bool, int],
    free_size: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    torch.manual_seed(0)
    module = network().eval()
    model = _exported(module, exporter, tmp_path / "network.onnx", free_size=free_size)
    generator = torch.Generator().manual_seed(1)
    size = (32, 24) if free_size else (24, 32)
    image = torch.rand((1, 3, *size), generator=generator, requires_grad=True)
    expected = module(image)
    weights = torch.rand(expected.shape, generator=generator)
    (scores,) = TorchGraph(model)({"image": image})
    torch.testing.assert_close(scores, expected, rtol=1e-4, atol=1e-5)
    (gradient,) = torch.autograd.grad((scores * weights).sum(), image)
    (wanted,) = torch.autograd.grad((expected * weights).sum(), image)
    assert float((gradient - wanted).norm() / wanted.norm()) < 1e-4


@pytest.mark.parametrize("network", [UNetLike, LrasppLike, TransformerLike])
def test_a_file_saved_after_onnx_runtimes_optimisation_gives_the_same(tmp_path: Path, network: type[nn.Module]) -> None:
    torch.manual_seed(0)
    model = _exported(network().eval(), (False, 17), tmp_path / "network.onnx", free_size=False)
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    options.optimized_model_filepath = str(tmp_path / "optimised.onnx")
    options.log_severity_level = 4
    ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    optimised = onnx.load(tmp_path / "optimised.onnx")
    assert any(node.domain == "com.microsoft" for node in optimised.graph.node)
    image = torch.rand((1, 3, 24, 32), generator=torch.Generator().manual_seed(1))
    expected, result = (TorchGraph(entry)({"image": image})[0] for entry in (model, optimised))
    torch.testing.assert_close(result, expected, rtol=1e-4, atol=1e-5)


def _exported(module: nn.Module, exporter: tuple[bool, int], path: Path, *, free_size: bool) -> onnx.ModelProto:
    dynamo, opset = exporter
    example = torch.rand(1, 3, 24, 32)
    axes = {"image": {2: "rows", 3: "columns"}}
    shapes = {"image": {2: 4 * torch.export.Dim("rows", max=64), 3: 4 * torch.export.Dim("columns", max=64)}}
    free: dict[str, Any] = {"dynamic_shapes": shapes} if dynamo else {"dynamic_axes": axes}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporters' own
        torch.onnx.export(
            module,
            (example,),
            path,
            input_names=["image"],
            opset_version=opset,
            dynamo=dynamo,
            **(free if free_size else {}),
        )
    return onnx.load(path)
