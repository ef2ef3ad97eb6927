"""What an explanation says in numbers and words: the sections of `explanation.json`, key for key."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Status = Literal["ok", "saturated", "not_sufficient", "uninformative"]
"""ok; saturated: the sufficient region is nearly the whole image; not_sufficient: the binary region does not
reach tau on the deployed model; uninformative: the method found no signal."""


@dataclass(frozen=True)
class MethodRecord:
    """Which method ran. `preset` is null where the parameters are no preset's."""

    name: str
    preset: str | None
    parameters: Mapping[str, Any]


@dataclass(frozen=True)
class TargetRecord:
    """What was explained, in pixels of the image."""

    class_index: int
    class_name: str | None
    kind: str
    pixels: int
    centroid_xy: tuple[float, float]

    @property
    def label(self) -> str:
        """The class's name, or "class 3"."""
        return self.class_name or f"class {self.class_index}"


@dataclass(frozen=True)
class SufficientRegionRecord:
    """Stage 1: dilations needed, Dice reached, area over the object's, and whether it is (nearly) the whole image."""

    dilations: int
    dice: float
    ratio: float
    saturated: bool


@dataclass(frozen=True)
class YardstickRecord:
    """Dice explained and perturbation ratio of a trivial region, so that a method's numbers can be read."""

    dice_explained: float
    perturbation_ratio: float


@dataclass(frozen=True)
class Metrics:
    """Dice explained of the binary region and of the soft mask, area over the object's, and two yardsticks."""

    dice_explained: float
    dice_explained_soft: float
    perturbation_ratio: float
    sufficient_region: SufficientRegionRecord | None
    predicted_mask: YardstickRecord
    random_mask: YardstickRecord


@dataclass(frozen=True)
class Certificate:
    """What the binary region was shown to do on the deployed model itself."""

    tau: float | None
    dice: float
    baselines: Mapping[str, float]
    minimal_at_block_px: int | None
    verified_on: str


@dataclass(frozen=True)
class Cost:
    """Images predicted, gradients taken, wall time."""

    forwards: int
    backwards: int
    seconds: float


@dataclass(frozen=True)
class Provenance:
    """Everything needed to repeat the explanation, and what was really used."""

    model_sha256: str | None
    input_sha256: str
    opset: int | None
    providers_requested: tuple[str, ...]
    providers_used: tuple[str, ...]
    gradient_route: str | None
    gradient_fidelity: Mapping[str, float | None] | None
    versions: Mapping[str, str]
    seed: int
    status: Status
    notes: tuple[str, ...]
