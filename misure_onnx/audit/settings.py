"""What an audit asks, apart from the data: the model, the objects, the methods. The same for every worker."""

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from misure_onnx import __version__
from misure_onnx.backends.open_inference import RemoteOptions
from misure_onnx.errors import ParameterError
from misure_onnx.methods.base import Method
from misure_onnx.methods.scoring import Scoring
from misure_onnx.metrics.base import Metric
from misure_onnx.segmenter import Identity

SavedMaps = Literal["png", "float", "none"]


@dataclass(frozen=True)
class AuditSettings:
    """What is asked about every image.

    Attributes:
        model: the ONNX file, as every worker reaches it.
        methods: one shard an image and method.
        preprocess: fields of a `Preprocessing`; None: the model's own, else an assumption.
        provider, window, remote: as for `load_segmenter`.
        classes: by index or name, a row each whether predicted or not; None: every predicted class but the background.
        objects: every connected object for itself instead of the class as a whole.
        min_pixels: smaller predictions, counted at the network's size, are left out unless their class was asked for.
        max_objects: of an image at most so many, largest first; None: all.
        image_budget: forwards that an image may cost a method; further objects become rows with an error. None: any.
        crop: of a volume only the part, as large as the model takes, from this voxel.
        metrics: further ones to measure, by name.
        seed: of every random choice, the same for every image.
        maps: how saliency maps are kept: 8 bits as PNG, float32 as NPY, or not at all.
        scoring, batch_size: as for `Method.explain`; they never change the result.
        retry_failed: run shards again that hold an error.
    """

    model: str
    methods: tuple[Method, ...]
    preprocess: Mapping[str, Any] | None = None
    provider: str = "auto"
    window: float | None = None
    remote: RemoteOptions | None = None
    classes: tuple[str, ...] | None = None
    objects: bool = False
    min_pixels: int = 16
    max_objects: int | None = None
    image_budget: int | None = None
    crop: tuple[int, ...] | None = None
    metrics: Mapping[str, Metric] = field(default_factory=dict)
    seed: int = 0
    maps: SavedMaps = "png"
    scoring: Scoring = "auto"
    batch_size: int | None = None
    retry_failed: bool = False

    def __post_init__(self) -> None:
        if not self.methods:
            raise ParameterError("an audit needs at least one method")
        if self.maps not in get_args(SavedMaps):
            raise ParameterError(f"maps must be {', '.join(get_args(SavedMaps))}, got {self.maps!r}")
        for name, least in (("min_pixels", 1), ("max_objects", 1), ("image_budget", 1), ("batch_size", 1), ("seed", 0)):
            value = getattr(self, name)
            if value is not None and value < least:
                raise ParameterError(f"{name} must be at least {least}, got {value}")

    def question(self) -> dict[str, Any]:
        """Everything that changes the rows, as JSON; the model by its content is added where it is known."""
        return {
            "preprocess": dict(self.preprocess) if self.preprocess is not None else None,
            "provider": self.provider,
            "window": self.window,
            "classes": list(self.classes) if self.classes is not None else None,
            "objects": self.objects,
            "min_pixels": self.min_pixels,
            "max_objects": self.max_objects,
            "image_budget": self.image_budget,
            "crop": list(self.crop) if self.crop else None,
            "metrics": {name: dataclasses.asdict(metric) for name, metric in self.metrics.items()},  # type: ignore[call-overload]
            "seed": self.seed,
            "maps": self.maps,
            **({} if self.remote is None or self.remote.input is None else {"server_input": self.remote.input}),
        }


def method_record(method: Method) -> dict[str, Any]:
    """Name, preset and parameters as JSON."""
    return {"name": method.name, "preset": method.preset(), "parameters": method.parameters()}


def shard_key(question: Mapping[str, Any], identity: Identity, method: Method, sample: Mapping[str, Any]) -> str:
    """SHA-256 of all that decides a shard's rows.

    Args:
        question: of the settings.
        identity: of the model, as it runs.
        method: one of the settings'.
        sample: name, digests, group and class of the image.
    """
    parts = {
        "version": __version__,
        "model": identity.model_sha256,
        "providers": identity.providers_used,
        **({} if identity.server is None else {"server": dataclasses.asdict(identity.server)}),
        "question": dict(question),
        "method": method_record(method),
        "sample": dict(sample),
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=list).encode()).hexdigest()
