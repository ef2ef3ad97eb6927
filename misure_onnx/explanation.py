"""The result: frozen, saved all or nothing, loaded again without executing anything.

The JSON (`explanation.json`) is the dataclasses of `records.py`, key for key; `schemas/explanation-1.schema.json`
is its published schema.
"""

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from misure_onnx.certificate_in_words import certificate_in_words
from misure_onnx.errors import InputError
from misure_onnx.files import (
    encode_json,
    encode_nifti,
    encode_npy,
    encode_png,
    encode_rgb,
    read_nifti_region,
    read_region,
    write_all,
)
from misure_onnx.geotiff import Georeference, encode_geotiff, read_georeference
from misure_onnx.reading_records import (
    read_alternatives,
    read_certificate,
    read_channels,
    read_metrics,
    read_provenance,
    read_target,
)
from misure_onnx.records import (
    Alternatives,
    Certificate,
    Channels,
    Cost,
    MethodRecord,
    Metrics,
    Provenance,
    TargetRecord,
)
from misure_onnx.types import FloatArray, Region, SaliencyMap, Size

SCHEMA = "misure-onnx/explanation/1"
_CHANNEL_FILE = "channels.npy"


@dataclass(frozen=True, eq=False)
class Explanation:
    """One explanation of one target on one image. All arrays are at the image's size; a volume's are (D, H, W).

    Attributes:
        method, target, metrics, certificate, cost, provenance: see their types.
        saliency: (H, W) float32, larger = more important, raw values.
        prediction: (H, W) bool, what the model predicts for the target on the whole image.
        sufficient_region: (H, W) bool, or None for methods without one.
        minimal_region: (H, W) bool, the binary region that metrics and certificate speak of.
        alternatives: numbers about further minimal regions, or None where none were asked for.
        alternative_regions: (H, W) bool each.
        channels: numbers about one map an input channel, or None for methods without such maps.
        channel_maps: (C, H, W) float32, signed, raw values, or None.
        image: (H, W, 3) uint8, a volume's (D, H, W, 3), or None after loading.
        affine: (4, 4) of a volume, from voxel indices to millimetres; None for images.
        georeference: where a GeoTIFF lies; None for everything else.
        trace: what the method recorded while it ran (Dice curve, loss, ...), a list a name.
    """

    method: MethodRecord
    target: TargetRecord
    metrics: Metrics
    certificate: Certificate
    cost: Cost
    provenance: Provenance
    saliency: SaliencyMap
    prediction: Region
    sufficient_region: Region | None
    minimal_region: Region
    alternatives: Alternatives | None = None
    alternative_regions: tuple[Region, ...] = ()
    channels: Channels | None = None
    channel_maps: FloatArray | None = None
    image: npt.NDArray[np.uint8] | None = None
    affine: npt.NDArray[np.float64] | None = None
    georeference: Georeference | None = None
    trace: Mapping[str, list[float]] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The document of `explanation.json`; every key is always present."""
        records = ("method", "target", "metrics", "certificate", "cost", "provenance")
        document = {"schema": SCHEMA, **{name: _plain(dataclasses.asdict(getattr(self, name))) for name in records}}
        return {
            **document,
            "alternatives": _plain(dataclasses.asdict(self.alternatives)) if self.alternatives else None,
            "channels": _plain(dataclasses.asdict(self.channels)) if self.channels else None,
        }

    def figure(self) -> bytes:
        """The one-row figure as PNG.

        Raises:
            InputError: the explanation was loaded from files, which do not hold the image.
        """
        if self.image is None:
            raise InputError("a loaded explanation does not hold the image: its figure is the figure.png beside it")
        from misure_onnx.rendering.certificate_strip import draw_strip  # noqa: PLC0415 - the command line must start fast
        from misure_onnx.rendering.figure import draw_figure  # noqa: PLC0415

        return draw_figure(
            self.image,
            prediction=self.prediction,
            sufficient_region=self.sufficient_region,
            saliency=self.saliency,
            minimal_region=self.minimal_region,
            captions=self._captions(),
            below=lambda place: draw_strip(place, *certificate_in_words(self.certificate)),
        )

    def overlay(self) -> npt.NDArray[np.uint8]:
        """(H, W, 3) the saliency map over the grey image, with the prediction's outline.

        Raises:
            InputError: as `figure`, or the image is a volume.
        """
        if self.image is None:
            raise InputError("a loaded explanation does not hold the image: its overlay is the overlay.png beside it")
        if self.affine is not None:
            raise InputError("a volume has no overlay: open its saliency.nii.gz over the volume in a viewer")
        from misure_onnx.rendering.overlay import outline, overlay  # noqa: PLC0415 - the command line must start fast

        return outline(overlay(self.image, self.saliency), self.prediction, tint=0)

    def save(self, directory: str | Path) -> Path:
        """Writes explanation.json, saliency.npy, the regions, pictures and trace.json: all of them or none.

        Raises:
            OutputError: the directory cannot be written, or the disk is full.
        """
        contents = self._files()
        earlier = (path.name for kind in _KINDS for path in Path(directory).glob(_region_file("alternative_*", kind)))
        regions = (_region_file(name, kind) for name in _REGIONS for kind in _KINDS)
        return write_all(
            Path(directory),
            contents,
            obsolete=("figure.png", "overlay.png", *_MAP_FILES, *regions, *earlier),
        )

    @classmethod
    def load(cls, directory: str | Path) -> "Explanation":
        """Reads what `save` wrote; nothing is executed.

        Raises:
            InputError: a file is missing or is no explanation of this schema.
        """
        return _read_all(Path(directory))

    def _captions(self) -> dict[str, str]:
        ratio, dice = self.metrics.perturbation_ratio, self.metrics.dice_explained
        stage_1 = self.metrics.sufficient_region
        captions = {
            "prediction": f"{self.target.label}: {self.target.pixels:,} pixels",
            "method": self.method.name + (f" ({self.method.preset})" if self.method.preset else ""),
            "minimal": f"{_area(ratio)}\nDice {dice:.2f}",
            "verdict": self._verdict(),
        }
        if stage_1:
            captions["sufficient"] = (
                f"{_area(stage_1.ratio)}\nDice {stage_1.dice:.2f} after {stage_1.dilations} dilations"
            )
        return captions

    def _verdict(self) -> str:
        """Only a region that was shown to be enough is called so."""
        if self.certificate.tau is None:
            return "Region of the map"
        return "Enough for the model" if self.certificate.passed else "Not enough for the model"

    def _files(self) -> dict[str, bytes]:
        files = {
            "saliency.npy": encode_npy(self.saliency),
            "trace.json": encode_json(dict(self.trace)),
            "explanation.json": encode_json(self.to_json()),
        }
        regions = {name: getattr(self, name) for name in _REGIONS if getattr(self, name) is not None}
        regions |= {_alternative(number): region for number, region in enumerate(self.alternative_regions, start=1)}
        if self.affine is None:
            files |= {_region_file(name, "png"): encode_png(region) for name, region in regions.items()}
        else:
            regions["saliency"] = self.saliency
            affine = self.affine
            files |= {_region_file(name, "nii.gz"): encode_nifti(array, affine) for name, array in regions.items()}
        if self.channel_maps is not None:
            files[_CHANNEL_FILE] = encode_npy(self.channel_maps)
        if self.georeference is not None:
            maps = {**regions, "saliency": self.saliency}
            maps |= {} if self.channel_maps is None else {"channels": self.channel_maps}
            place = self.georeference
            files |= {_region_file(name, "tif"): encode_geotiff(array, place) for name, array in maps.items()}
        if self.image is not None:
            files["figure.png"] = self.figure()
        if self.image is not None and self.affine is None:
            files["overlay.png"] = encode_rgb(self.overlay())
        return files


_REGIONS = ("prediction", "sufficient_region", "minimal_region")
_KINDS = ("png", "nii.gz", "tif")
_MAP_FILES = ("saliency.nii.gz", "saliency.tif", "channels.tif", _CHANNEL_FILE)


def _region_file(name: str, kind: str) -> str:
    return f"{name}.{kind}"


def _alternative(number: int) -> str:
    """1 is the first."""
    return f"alternative_{number}"


def _area(ratio: float) -> str:
    return f"{ratio:.0%} of the object's area" if ratio < 2 else f"{ratio:.1f} times the object's area"


def _plain(value: Any) -> Any:
    """Tuples as lists and numpy scalars as numbers, as JSON gives them back."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value.item() if isinstance(value, np.generic) else value


def _read_all(directory: Path) -> Explanation:
    try:
        document = _read_object(directory / "explanation.json")
        if document.get("schema") != SCHEMA:
            raise InputError(f"{directory}: expected schema {SCHEMA!r}, got {document.get('schema')!r}")
        regions, affine = _read_regions(directory, document)
        size = regions["minimal_region"].shape
        return Explanation(
            method=MethodRecord(**document["method"]),
            target=read_target(document["target"]),
            metrics=read_metrics(document["metrics"]),
            certificate=read_certificate(document["certificate"]),
            cost=Cost(**document["cost"]),
            provenance=read_provenance(document["provenance"]),
            saliency=_read_array(directory / "saliency.npy", size),
            prediction=regions["prediction"],
            sufficient_region=regions.get("sufficient_region"),
            minimal_region=regions["minimal_region"],
            alternatives=read_alternatives(document["alternatives"]),
            alternative_regions=tuple(region for name, region in regions.items() if name not in _REGIONS),
            channels=read_channels(document.get("channels")),
            channel_maps=_read_array(directory / _CHANNEL_FILE, size, leading=1) if document.get("channels") else None,
            affine=affine,
            georeference=_georeference(directory),
            trace=_read_object(directory / "trace.json"),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{directory} holds no complete explanation: {error}") from error


def _georeference(directory: Path) -> Georeference | None:
    path = directory / _region_file("minimal_region", "tif")
    return read_georeference(path) if path.is_file() else None


def _read_object(path: Path) -> dict[str, Any]:
    found = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(found, dict):
        raise TypeError(f"{path.name}: expected a JSON object, got {type(found).__name__}")
    return found


def _read_array(path: Path, size: Size, *, leading: int = 0) -> FloatArray:
    """Takes no archive and no pickle, whatever the file's name says."""
    with path.open("rb") as file:
        array = np.lib.format.read_array(file, allow_pickle=False)
    if array.shape[leading:] != size or array.dtype != np.float32:
        raise ValueError(f"{path.name}: expected float32 {size}, got {array.dtype} {array.shape}")
    return np.asarray(array, np.float32)


def _read_regions(
    directory: Path, document: dict[str, Any]
) -> tuple[dict[str, Region], npt.NDArray[np.float64] | None]:
    """Every region by its file's name, and a volume's affine."""
    count = len(document["alternatives"]["regions"]) if document["alternatives"] else 0
    names = ["prediction", "minimal_region", *(_alternative(number) for number in range(1, count + 1))]
    if document["metrics"]["sufficient_region"]:
        names.append("sufficient_region")
    if not (directory / _region_file("minimal_region", "nii.gz")).is_file():
        return {name: read_region(directory / _region_file(name, "png")) for name in names}, None
    read = {name: read_nifti_region(directory / _region_file(name, "nii.gz")) for name in names}
    return {name: region for name, (region, _) in read.items()}, read["minimal_region"][1]
