"""The declared way from a picture to the network's input, and what its output means.

Input value = (pixel * scale - mean) / std, a channel at a time, with 8-bit pixels 0..255
(16-bit pictures are divided by 257 first). Measurements (voxels, DICOM, the bands of a GeoTIFF) have no such range:
they stand in the formula in their own unit, after `clip`, or `rescale` brings them to a range. Declared by a preset, a
YAML file, or the metadata inside the ONNX file (key `misure_onnx`, a JSON object of the same fields).
"""

import dataclasses
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from misure_onnx.errors import PreprocessingError
from misure_onnx.scores import SCORE_KINDS, ScoreKind
from misure_onnx.types import Size

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
        clip: (low, high), first of all: what lies beyond becomes low or high, e.g. a window of Hounsfield units.
        rescale: by each channel's own values over the whole image or volume: `min_max` to [0, 1], `z_score` to mean 0
            and deviation 1, `z_score_foreground` likewise by the values that are not 0. Not together with `clip`.
        axes: the order in which a network takes a volume's axes: as a NIfTI file has them, or reversed.
        source: where network and weights came from, in words.
        licence: of the weights, best as an SPDX identifier.
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
    clip: tuple[float, float] | None = None
    rescale: Rescale | None = None
    axes: Axes = "xyz"
    source: str | None = None
    licence: str | None = None

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
        self._check_clip()

    def _check_clip(self) -> None:
        if self.clip is None:
            return
        if len(self.clip) != 2 or not all(map(math.isfinite, self.clip)) or self.clip[0] >= self.clip[1]:
            raise PreprocessingError(f"preprocessing: clip must be {_EXPECTED['clip']}; got {list(self.clip)}")
        if self.rescale:
            raise PreprocessingError(
                f"preprocessing: clip and rescale ({self.rescale}) exclude each other: after clip, bring the values to "
                "the network's range by scale and mean"
            )

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
    "clip": "[low, high], two numbers, the lower one first",
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
    if name in ("mean", "std", "clip"):
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
