"""Every real model that lies beside the project, against ONNX Runtime: forward, and gradient along a direction."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime as ort
import pytest
import torch
import torch.nn.functional as F  # noqa: N812 - torch's own abbreviation

from benchmarks.shared_data import data_directory
from misure_onnx.gradients.torch_bridge.interpreter import TorchGraph
from tests.shared_data import manifest, shared_data

Array = npt.NDArray[Any]

FORWARD_BOUND, AGREEMENT, GRADIENT_BOUND = 1e-3, 0.999, 0.1
STEP = 1e-3  # at 3e-3 brainchop_model5 curves by a tenth along the direction, at 3e-4 by less than a hundredth
VOLUME_SIDE = 32  # a crop: the 3-D models are fully convolutional, and 256 voxels a side take minutes
LEVELS = 2  # the largest step of a uint8 input, in grey levels
ENDINGS = {"Softmax", "Sigmoid", "ArgMax", "Transpose", "Reshape"}

MODELS = [entry["id"] for entry in manifest()["models"]] if data_directory() else ["none"]


@dataclass
class Real:
    """A model, its declared input and the tensor that holds its scores before any softmax, sigmoid or ArgMax."""

    model: onnx.ModelProto
    entry: dict[str, Any]
    scores: str

    @property
    def input(self) -> str:
        return str(self.model.graph.input[0].name)

    @property
    def whole_numbers(self) -> bool:
        return bool(self.model.graph.input[0].type.tensor_type.elem_type == onnx.TensorProto.UINT8)

    def session(self) -> ort.InferenceSession:
        """ONNX Runtime on the model with its scores as a further output."""
        model = onnx.ModelProto()
        model.CopyFrom(self.model)
        if self.scores not in [value.name for value in model.graph.output]:
            model.graph.output.append(onnx.ValueInfoProto(name=self.scores))
        options = ort.SessionOptions()
        options.log_severity_level = 4
        # Its idle threads would otherwise spin on the cores that torch needs between two runs.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        return ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])

    def images(self) -> list[Array]:
        """A smooth random network input, and the same with two thirds of it masked."""
        pixels = _smooth_pixels(self._shape(), np.random.default_rng(0))
        mask = (_smooth_pixels(self._shape()[-2:], np.random.default_rng(1)) > 150).astype(np.float64)
        return [self._network_input(pixels), self._network_input(pixels * mask)]

    def _shape(self) -> tuple[int, ...]:
        fields = self.entry["input"]
        if fields["layout"] == "NCDHW":
            return (1, VOLUME_SIDE, VOLUME_SIDE, VOLUME_SIDE)
        return (1 if fields["color"] == "GRAY" else 3, fields["height"], fields["width"])

    def _network_input(self, pixels: Array) -> Array:
        """(C, ..., H, W) in 0..255 -> what the graph takes."""
        fields = self.entry["input"]
        if fields["layout"] == "NCDHW":
            return np.asarray(pixels[None] / 255, dtype=np.float32)
        mean, deviation = (np.array(fields[name])[:, None, None] for name in ("mean", "std"))
        images = ((pixels * fields["scale"] - mean) / deviation)[None]
        images = images.transpose(0, 2, 3, 1) if fields["layout"] == "NHWC" else images
        own: Array = np.round(images).astype(np.uint8) if self.whole_numbers else images.astype(np.float32)
        return own


@pytest.fixture(scope="module", params=MODELS)
def real(request: pytest.FixtureRequest) -> Real:
    folder = shared_data()
    entry = next(entry for entry in manifest()["models"] if entry["id"] == request.param)
    model = onnx.load(folder / entry["file"])
    if entry["input"]["layout"] == "NCDHW":
        for value in (*model.graph.input, *model.graph.output):
            for dimension in value.type.tensor_type.shape.dim[2:]:
                dimension.dim_value = VOLUME_SIDE
    return Real(model, entry, _scores(model))


def test_forward_and_gradient_equal_onnx_runtime(real: Real) -> None:
    session = real.session()
    deployed = TorchGraph(real.model)
    for image in real.images():
        expected = session.run([real.model.graph.output[0].name], {real.input: image})[0]
        result = deployed({real.input: torch.from_numpy(image).float()})[0].numpy()
        assert _labels_agree(real, result, expected) >= AGREEMENT
        assert np.abs(result - expected).max() <= FORWARD_BOUND * np.abs(expected).max() or expected.dtype == np.int64
    slope, difference = _directional_derivatives(real, session, real.images()[0])
    assert abs(slope) > 0
    assert abs(slope - difference) <= GRADIENT_BOUND * (abs(slope) + abs(difference)) / 2


def test_without_real_models_the_tests_are_skipped(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MISURE_DATA", str(tmp_path))
    with pytest.raises(pytest.skip.Exception, match="no real models"):
        shared_data()


def _labels_agree(real: Real, result: Array, expected: Array) -> float:
    """Share of pixels with the same label: the largest score, or which side of its middle a single one is on."""
    if expected.dtype == np.int64:
        return float(np.mean(result == expected))
    shape = expected.shape
    axis = 1 if real.entry["input"]["layout"].startswith("NC") and "FLATTENED" not in real.entry["output"] else -1
    if shape[axis] == 1 or "sigmoid" in real.entry["output"]:
        return float(np.mean((result > 0.5) == (expected > 0.5)))
    return float(np.mean(result.argmax(axis) == expected.argmax(axis)))


def _directional_derivatives(real: Real, session: ort.InferenceSession, image: Array) -> tuple[float, float]:
    """Of a smoothly weighted sum of the scores along the smoothed gradient: by autograd, and by a difference."""
    graph = TorchGraph(real.model, outputs=[real.scores])
    x = torch.from_numpy(image).float().requires_grad_()
    scores = graph({real.input: x})[0]
    weights = _smooth(tuple(scores.shape), np.random.default_rng(2)) / scores.numel()
    (gradient,) = torch.autograd.grad((scores * torch.from_numpy(weights)).sum(), x)
    direction = _smoothed(real, gradient.numpy())
    if real.whole_numbers:
        step, start = np.round(direction * LEVELS), np.clip(image.astype(np.float64), LEVELS, 255 - LEVELS)
    else:
        step, start = direction * STEP * float(np.ptp(image)), image
    ahead, behind = ((start + sign * step).astype(image.dtype) for sign in (1, -1))
    sums = [float((weights * session.run([real.scores], {real.input: moved})[0]).sum()) for moved in (ahead, behind)]
    moved_by = (ahead.astype(np.float64) - behind.astype(np.float64)) / 2
    return float((gradient.numpy() * moved_by).sum()), (sums[0] - sums[1]) / 2


def _scores(model: onnx.ModelProto) -> str:
    """The last tensor before softmax, sigmoid and ArgMax, looking through a layout change."""
    makers = {name: node for node in model.graph.node for name in node.output}
    name, last = model.graph.output[0].name, model.graph.output[0].name
    while makers[name].op_type in ENDINGS:
        node = makers[name]
        name = node.input[0]
        last = name if node.op_type not in ("Transpose", "Reshape") else last
    return last


def _smoothed(real: Real, gradient: Array) -> Array:
    """The gradient as its averages over a coarse grid, largest value 1."""
    channels_last = real.entry["input"]["layout"] == "NHWC"
    maps = torch.from_numpy(np.moveaxis(gradient, -1, 1).copy() if channels_last else gradient)
    coarse = F.adaptive_avg_pool3d(maps, 14) if maps.ndim == 5 else F.adaptive_avg_pool2d(maps, 14)
    smooth = F.interpolate(coarse, maps.shape[2:], mode="trilinear" if maps.ndim == 5 else "bilinear").numpy()
    smooth = np.moveaxis(smooth, 1, -1) if channels_last else smooth
    return np.asarray(smooth / np.abs(smooth).max())


def _smooth_pixels(shape: tuple[int, ...], generator: np.random.Generator) -> Array:
    """Values in 0..255."""
    return 127.5 * (1 + _smooth(shape, generator))


def _smooth(shape: tuple[int, ...], generator: np.random.Generator) -> Array:
    """Values in -1..1 that change slowly along the last two axes, of a volume along the last three."""
    spatial = 3 if len(shape) > 3 and shape[-3] == VOLUME_SIDE else 2
    coarse_shape = (1, int(np.prod(shape[:-spatial])), *(min(9, size) for size in shape[-spatial:]))
    coarse = torch.from_numpy(generator.uniform(-1, 1, coarse_shape))
    mode = "trilinear" if spatial == 3 else "bilinear"
    return F.interpolate(coarse, shape[-spatial:], mode=mode, align_corners=True).numpy().reshape(shape)
