"""Real models and images to measure on: a directory with a `manifest.json`, beside the project or in `MISURE_DATA`."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from misure_onnx.preprocessing import Preprocessing
from misure_onnx.segmenter import LoadedInput, load_input
from misure_onnx.volumes import LoadedVolume

_BESIDE = Path(__file__).resolve().parents[2] / "shared" / "data"


@dataclass(frozen=True)
class Triple:
    """An image, a model and a class that is well visible in it.

    Attributes:
        name: of the triple.
        image, model: files.
        preprocessing: as the manifest declares it.
        class_index: the class to explain.
        crop: of a volume the part that is explained: its first voxel, and its size.
    """

    name: str
    image: Path
    model: Path
    preprocessing: Preprocessing
    class_index: int
    crop: tuple[tuple[int, int, int], tuple[int, int, int]] | None = None

    def loaded(self) -> LoadedInput:
        """The image, or the part of the volume."""
        found = load_input(self.image)
        return found.cropped(*self.crop) if isinstance(found, LoadedVolume) and self.crop else found


def data_directory() -> Path | None:
    """The directory, or None where there is none."""
    place = Path(os.environ.get("MISURE_DATA", _BESIDE))
    return place if (place / "manifest.json").is_file() else None


def triples(*, volumes: bool = False) -> list[Triple]:
    """The manifest's triples; those on 3-D volumes only when asked for.

    Raises:
        FileNotFoundError: there is no data directory.
    """
    place = data_directory()
    if place is None:
        raise FileNotFoundError(f"no manifest.json in {_BESIDE}: set MISURE_DATA to a directory that has one")
    manifest = json.loads((place / "manifest.json").read_text(encoding="utf-8"))
    models = {model["id"]: model for model in manifest["models"]}
    found = []
    for triple in manifest["triples"]:
        model = models[triple["model"]]
        if model["input"]["layout"] == "NCDHW" and not volumes:
            continue
        found.append(
            Triple(
                triple["id"],
                place / triple["image"],
                place / model["file"],
                declared_preprocessing(model),
                triple["class"],
                (tuple(triple["crop"]), (triple["size"],) * 3) if "crop" in triple else None,
            )
        )
    return found


def declared_preprocessing(model: dict[str, Any]) -> Preprocessing:
    """What the manifest says about a model's input and classes."""
    declared: dict[str, Any] = model["input"]
    fields: dict[str, Any] = {"class_names": model["classes"]}
    if "min-max" in model["notes"]:  # of the volumes' models the manifest says it in words alone
        fields["rescale"] = "min_max"
    fields.update((name, declared[name]) for name in ("scale", "mean", "std", "color") if name in declared)
    return Preprocessing.from_mapping(fields, "manifest")
