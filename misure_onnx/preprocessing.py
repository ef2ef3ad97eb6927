"""The declared way from a picture to the network's input, and what its output means.

Input value = (pixel * scale - mean) / std, a channel at a time, with 8-bit pixels 0..255
(16-bit pictures are divided by 257 first). Voxels of a volume have no such range: `rescale` brings them to one
before the formula. Declared by a preset, a YAML file, or the metadata
inside the ONNX file (key `misure_onnx`, a JSON object of the same fields).
"""

import dataclasses
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from misure_onnx.errors import ImageError, PreprocessingError
from misure_onnx.images import LoadedImage
from misure_onnx.scores import SCORE_KINDS, ScoreKind
from misure_onnx.types import FloatArray, Images, Picture, Size
from misure_onnx.volumes import Intensities, LoadedVolume

METADATA_KEY = "misure_onnx"

Layout = Literal["NCHW", "NHWC", "NCDHW", "NDHWC"]
Color = Literal["RGB", "BGR", "GRAY"]
OutputLayout = Literal["NCHW", "NHWC", "NHW", "NPL", "NLP", "NCDHW", "NDHWC", "NDHW"]
Rescale = Literal["min_max", "z_score", "z_score_foreground"]
Axes = Literal["xyz", "zyx"]
Interpolation = Literal["linear", "area", "cubic", "nearest"]

_CHOICES: dict[str, tuple[str, ...]] = {
    "layout": get_args(Layout),
    "color": ("RGB", "BGR", "GRAY"),
    "output": SCORE_KINDS,
    "output_layout": get_args(OutputLayout),
    "rescale": get_args(Rescale),
    "axes": get_args(Axes),
    "interpolation": ("linear", "area", "cubic", "nearest"),
}


@dataclass(frozen=True)
class Preprocessing:
    """Everything a user may declare about a model; None means: find it in the graph.

    Attributes:
        scale, mean, std: of the formula above; mean and std have one value, or one a channel.
        color: order of the channels that the network expects; None: RGB, or GRAY for one channel.
        size: (height, width) of the network input; (depth, height, width) of a volume's.
        layout: axes of the network input.
        batch: batch size that the graph is fixed to; None: from the graph.
        class_names: one a class, in the order of the indices.
        output: what the scores are.
        output_layout: axes of the output; P stands for all pixels in one axis.
        head: name of the graph output to explain, when there are several.
        threshold: probability above which a sigmoid channel counts as predicted.
        interpolation: how pictures are resized to the network's size. Volumes never are.
        rescale: of a volume's voxels, by each channel's own values over the whole file: `min_max` to [0, 1],
            `z_score` to mean 0 and deviation 1, `z_score_foreground` likewise by the voxels that are not 0.
        axes: the order in which a network takes a volume's axes: as a NIfTI file has them, or reversed.
    """

    scale: float = 1.0
    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)
    color: Color | None = None
    size: Size | None = None
    layout: Layout | None = None
    batch: int | None = None
    class_names: tuple[str, ...] | None = None
    output: ScoreKind | None = None
    output_layout: OutputLayout | None = None
    head: str | None = None
    threshold: float = 0.5
    interpolation: Interpolation = "linear"
    rescale: Rescale | None = None
    axes: Axes = "xyz"

    def __post_init__(self) -> None:
        for field, allowed in _CHOICES.items():
            value = getattr(self, field)
            if value is not None and value not in allowed:
                raise PreprocessingError(f"preprocessing: {field} must be one of {', '.join(allowed)}; got {value!r}")
        for field, values in (("scale", (self.scale,)), ("mean", self.mean), ("std", self.std)):
            if not all(math.isfinite(value) for value in values):
                raise PreprocessingError(f"preprocessing: {field} must be finite; got {list(values)}")
            if field != "mean" and 0 in values:
                raise PreprocessingError(f"preprocessing: {field} must not be 0; got {list(values)}")
        if not 0 < self.threshold < 1:
            raise PreprocessingError(f"preprocessing: threshold must lie between 0 and 1; got {self.threshold}")
        if self.size is not None and (len(self.size) not in (2, 3) or min(self.size) < 1):
            raise PreprocessingError(
                f"preprocessing: size must be [height, width] or [depth, height, width]; got {list(self.size)}"
            )
        if self.batch is not None and self.batch < 1:
            raise PreprocessingError(f"preprocessing: batch must be at least 1; got {self.batch}")

    @classmethod
    def from_mapping(cls, declared: Mapping[str, Any], source: str) -> "Preprocessing":
        """Reads the fields of a YAML file or of the metadata; `source` names it in messages."""
        known = {field.name for field in dataclasses.fields(cls)}
        unknown = sorted({str(name) for name in declared} - known)
        if unknown:
            raise PreprocessingError(
                f"{source}: unknown field {', '.join(unknown)}; the known ones are {', '.join(sorted(known))}"
            )
        values = {name: _typed(name, value, source) for name, value in declared.items() if value is not None}
        return cls(**values)

    def check_scores(self, kind: ScoreKind, classes: int) -> None:
        """Refuses scores of a model that contradict the declaration or each other.

        Raises:
            PreprocessingError: another number of class names than classes, or one class that excludes no other.
        """
        if self.class_names and len(self.class_names) != classes:
            raise PreprocessingError(
                f"{len(self.class_names)} class names are declared, the model gives {classes} classes"
            )
        if kind in ("logits", "softmax") and classes == 1:
            raise PreprocessingError(
                f"output {kind} needs two classes or more, the model gives one channel: declare 'output: sigmoid' "
                "(values from 0 to 1) or 'output: sigmoid_logits'"
            )

    def to_mapping(self) -> dict[str, Any]:
        """The declared fields as JSON and YAML write them; what is left to the graph is left out."""
        fields = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return {k: list(v) if isinstance(v, tuple) else v for k, v in fields.items() if v is not None}


PRESETS: dict[str, Preprocessing] = {
    "imagenet": Preprocessing(scale=1 / 255, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225)),
    "unit": Preprocessing(scale=1 / 255),
    "minus1_1": Preprocessing(scale=2 / 255, mean=(1.0,)),
    "raw": Preprocessing(),
    "caffe": Preprocessing(color="BGR", mean=(103.939, 116.779, 123.68)),
}


def load_preprocessing(declared: "Preprocessing | Mapping[str, Any] | str | Path") -> Preprocessing:
    """A preset's name, a YAML file, a mapping of fields, or the object itself.

    Raises:
        PreprocessingError: no such preset or file, or a field is unknown or ill-formed.
    """
    if isinstance(declared, Preprocessing):
        return declared
    if isinstance(declared, Mapping):
        return Preprocessing.from_mapping(declared, "preprocessing")
    if isinstance(declared, str) and declared in PRESETS:
        return PRESETS[declared]
    return _read_yaml(Path(declared))


def from_metadata(text: str) -> Preprocessing:
    """The declaration stored inside an ONNX file under `METADATA_KEY`."""
    source = f"metadata {METADATA_KEY!r} of the model"
    try:
        declared = json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        raise PreprocessingError(f"{source}: expected a JSON object; {error}") from error
    if not isinstance(declared, dict):
        raise PreprocessingError(f"{source}: expected a JSON object, got {type(declared).__name__}")
    return Preprocessing.from_mapping(declared, source)


def prepared(image: LoadedImage | LoadedVolume, declared: Preprocessing, channels: int, size: Size) -> Images:
    """The network input (1, channels, *size) for a picture, resized, or a volume, which has that size already.

    Raises:
        ImageError: it does not fit the network.
        PreprocessingError: the declaration contradicts the channels.
    """
    if isinstance(image, LoadedVolume) != (len(size) == 3):
        given, taken = ("a volume", "images") if isinstance(image, LoadedVolume) else ("an image", "volumes (NIfTI)")
        raise ImageError(f"the model takes {taken}, {given} was given")
    if isinstance(image, LoadedVolume):
        return network_volume(image, declared, channels, size)
    return network_input(image.pixels, declared, channels, size)


def network_volume(volume: LoadedVolume, declared: Preprocessing, channels: int, size: Size) -> Images:
    """Normalises a volume: (D, H, W, C) -> (1, channels, depth, height, width), the network's axes.

    Raises:
        ImageError: another number of channels or voxels than the network takes. Resizing would change what a voxel
            is in millimetres, so it is left to the user.
    """
    given = volume.voxels.shape[3]
    if given != channels:
        raise ImageError(
            f"the model takes {channels} channels, the volume has {given}: pass one file a channel, or a file with "
            f"{channels} channels along its last axis"
        )
    values = np.stack([in_network_axes(channel, declared) for channel in np.moveaxis(volume.voxels, 3, 0)])
    if values.shape[1:] != size:
        raise ImageError(
            f"the model takes {'x'.join(map(str, size))} voxels, the volume has {'x'.join(map(str, values.shape[1:]))} "
            "(in the model's axes): choose a part (--crop), or slide the model over it (--window)"
        )
    shift, width = np.transpose([_rescaling(declared.rescale, channel) for channel in volume.intensities])
    as_channel = (channels, 1, 1, 1)
    mean, std = (_per_channel(getattr(declared, name), channels, name) for name in ("mean", "std"))
    rescaled = (values - shift.reshape(as_channel)) / width.reshape(as_channel)
    normalised = (rescaled * declared.scale - mean.reshape(-1, 1, 1, 1)) / std.reshape(-1, 1, 1, 1)
    return np.ascontiguousarray(normalised[None], np.float32)


def in_network_axes(array: npt.NDArray[Any], declared: Preprocessing) -> npt.NDArray[Any]:
    """An array with the axes of a volume's file, in the order in which the network takes them; and the way back."""
    return array.T if declared.axes == "zyx" and array.ndim == 3 else array


def _rescaling(how: Rescale | None, channel: Intensities) -> tuple[float, float]:
    """What is subtracted, and what the rest is divided by."""
    if how == "min_max":
        return channel.low, (channel.high - channel.low) or 1.0
    if how == "z_score":
        return channel.mean, channel.std or 1.0
    if how == "z_score_foreground":
        return channel.foreground_mean, channel.foreground_std or 1.0
    return 0.0, 1.0


def network_input(pixels: Picture, declared: Preprocessing, channels: int, size: Size) -> Images:
    """Resizes and normalises one picture: (H, W, C) uint8 or uint16 -> (1, channels, height, width).

    Raises:
        ImageError: the picture's channels do not fit the network's.
        PreprocessingError: color contradicts the number of channels, or mean or std has neither one value nor one a
            channel.
    """
    import cv2  # noqa: PLC0415 - the command line must start fast

    interpolation = {
        "linear": cv2.INTER_LINEAR,
        "area": cv2.INTER_AREA,
        "cubic": cv2.INTER_CUBIC,
        "nearest": cv2.INTER_NEAREST,
    }[declared.interpolation]
    values = _ordered(pixels, declared.color, channels).astype(np.float32)
    if pixels.dtype == np.uint16:
        values /= 257
    if values.shape[:2] != size:
        resized = cv2.resize(values, size[::-1], interpolation=interpolation)
        values = np.asarray(resized, np.float32).reshape(*size, channels)
    mean, std = (_per_channel(getattr(declared, name), channels, name) for name in ("mean", "std"))
    normalised = (values * np.float32(declared.scale) - mean) / std
    return np.ascontiguousarray(normalised.transpose(2, 0, 1)[None], np.float32)


def _ordered(pixels: Picture, color: Color | None, channels: int) -> Picture:
    """The picture's channels in the order and number that the network expects."""
    import cv2  # noqa: PLC0415 - the command line must start fast

    given = pixels.shape[2]
    if color is not None and (color == "GRAY") != (channels == 1):
        raise PreprocessingError(f"preprocessing: color {color} was declared, the model takes {channels} channels")
    if channels == 1 and given == 3:
        return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY))[..., None]
    if channels == 3 and given == 1:
        return np.repeat(pixels, 3, axis=2)
    if given != channels:
        raise ImageError(f"the model takes {channels} channels, the image has {given}: pass an image with {channels}")
    return pixels[..., ::-1] if color == "BGR" and channels == 3 else pixels


def _per_channel(values: tuple[float, ...], channels: int, name: str) -> FloatArray:
    if len(values) not in (1, channels):
        raise PreprocessingError(
            f"preprocessing: {name} has {len(values)} values, the model takes {channels} channels: give 1 or {channels}"
        )
    return np.asarray(values, np.float32)


def _read_yaml(path: Path) -> Preprocessing:
    import yaml  # noqa: PLC0415 - only needed here, and the command line must start fast

    try:
        if not path.is_file():
            raise PreprocessingError(
                f"preprocessing {str(path)!r} is neither a preset ({', '.join(PRESETS)}) nor an existing YAML file"
            )
        declared = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, ValueError, OSError, RecursionError) as error:
        raise PreprocessingError(f"{path}: not a readable YAML file: {error}") from error
    if not isinstance(declared, dict):
        raise PreprocessingError(f"{path}: expected fields like 'scale: 0.0039', got {type(declared).__name__}")
    return Preprocessing.from_mapping({str(k): v for k, v in declared.items()}, str(path))


_EXPECTED = {
    "scale": "a number",
    "threshold": "a number",
    "mean": "a number, or a list of one a channel",
    "std": "a number, or a list of one a channel",
    "size": "[height, width] (a volume: [depth, height, width]) in whole pixels, or one number for both sides",
    "batch": "a whole number",
    "class_names": "a list of names, or names by index from 0 on",
}
"""What a field takes that is no plain text."""


def _typed(name: str, value: Any, source: str) -> Any:
    """A field's value as the dataclass has it."""
    try:
        return _read_field(name, value)
    except (TypeError, ValueError) as error:
        raise PreprocessingError(f"{source}: {name} must be {_EXPECTED[name]}; got {value!r} ({error})") from error


def _read_field(name: str, value: Any) -> Any:
    if name in ("mean", "std"):
        return tuple(_number(v) for v in _sequence(value))
    if name == "size":
        return tuple(_whole(v) for v in (_sequence(value) if isinstance(value, Sequence) else (value, value)))
    if name == "class_names":
        return _class_names(value)
    if name in ("scale", "threshold"):
        return _number(value)
    return _whole(value) if name == "batch" else str(value)


def _number(value: Any) -> float:
    if isinstance(value, bool):
        raise TypeError("true and false are no numbers")
    return float(value)


def _whole(value: Any) -> int:
    number = _number(value)
    if not number.is_integer():
        raise ValueError(f"{value} is no whole number")
    return int(number)


def _class_names(value: Any) -> tuple[str, ...]:
    if isinstance(value, Mapping):
        by_index = {int(k): str(v) for k, v in value.items()}
        if sorted(by_index) != list(range(len(value))):
            raise ValueError(f"the indices are {sorted(by_index)}")
        return tuple(by_index[k] for k in sorted(by_index))
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise TypeError(f"it is a {type(value).__name__}")
    return tuple(str(v) for v in value)


def _sequence(value: Any) -> Sequence[Any]:
    return value if isinstance(value, Sequence) and not isinstance(value, str) else (value,)
