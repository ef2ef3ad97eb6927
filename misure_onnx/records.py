"""What an explanation says in numbers and words: the sections of `explanation.json`, key for key."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from misure_onnx.segmenter import class_label

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
class Rival:
    """The class that a target was compared with."""

    class_index: int
    class_name: str | None

    @property
    def label(self) -> str:
        """The class's name, or "class 3"."""
        return class_label(self.class_index, self.class_name)


@dataclass(frozen=True)
class TargetRecord:
    """What was explained, in pixels of the image; of a volume `centroid_xy` is (x, y, z) of its file."""

    class_index: int
    class_name: str | None
    kind: str
    pixels: int
    centroid_xy: tuple[float, ...]
    against: Rival | None = None

    @property
    def label(self) -> str:
        """The class's name, or "class 3"; of a contrast "dog rather than cat"."""
        own = class_label(self.class_index, self.class_name)
        return own if self.against is None else f"{own} rather than {self.against.label}"


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
class SamplingError:
    """How far a sampled map has converged.

    Attributes:
        name: `split_half_correlation`: Pearson's, between the maps of the even and of the odd samples (1 = converged);
            `standard_error`: Monte Carlo standard error of a pixel, root mean square over the map, as a share of the
            map's standard deviation (0 = converged).
        value: the number.
        samples: how many there were.
    """

    name: Literal["split_half_correlation", "standard_error"]
    value: float
    samples: int


@dataclass(frozen=True)
class MetricRecord:
    """A further metric, and the same of two yardsticks: the predicted object, and the same values at random places.

    Attributes:
        value, predicted_mask, random_mask: None where the metric is not defined.
        higher_is_better, unit: of all three.
        parameters: of the metric.
        forwards: images predicted for all three.
        details: curves and single values behind `value`.
    """

    value: float | None
    higher_is_better: bool
    unit: str
    predicted_mask: float | None
    random_mask: float | None
    parameters: Mapping[str, Any]
    forwards: int
    details: Mapping[str, Any]


@dataclass(frozen=True)
class Metrics:
    """Dice explained of the binary region and of the soft mask, area over the object's, and two yardsticks.

    `sampling_error` is None for methods that do not sample; `more` holds what was asked for, by name.
    """

    dice_explained: float
    dice_explained_soft: float
    perturbation_ratio: float
    sufficient_region: SufficientRegionRecord | None
    predicted_mask: YardstickRecord
    random_mask: YardstickRecord
    sampling_error: SamplingError | None = None
    more: Mapping[str, MetricRecord] = field(default_factory=dict)


@dataclass(frozen=True)
class Minimality:
    """Whether a block can be left out of the region: its tiles of one size, each left out on its own.

    Attributes:
        block_px: side of a tile, the smallest one that makes few enough tiles.
        blocks: tiles that hold a part of the region.
        checked: how many of them were left out, one at a time, of this very region.
        removable: of those checked, how many the model does not need; the check ends at the first one.
    """

    block_px: int
    blocks: int
    checked: int
    removable: int

    @property
    def shown(self) -> bool:
        """Whether every block was checked and is needed."""
        return self.checked == self.blocks and self.removable == 0


@dataclass(frozen=True)
class Stability:
    """The worst Dice of the region after small changes, and what a second run finds.

    Attributes:
        shift_2px: the region moved by 2 pixels to each of the four sides (a volume's: six).
        threshold: the soft mask binarised 0.1 lower and higher; None where the region is no thresholded mask.
        jpeg: the picture saved as JPEG (quality 75), the same region; None for volumes.
        second_run_overlap: share of the smaller of two regions that lies in the other, the second one from a
            run that starts at random scores; None where there was none.
        second_run_by_chance: the overlap that randomly placed regions of these sizes have on average.
    """

    shift_2px: float
    threshold: float | None
    jpeg: float | None
    second_run_overlap: float | None
    second_run_by_chance: float | None


@dataclass(frozen=True)
class Certificate:
    """What the binary region was shown to do on the deployed model itself.

    Attributes:
        tau: Dice that the region is meant to exceed; None where the method has no such aim.
        dice: under the method's own baseline.
        baselines: Dice under every baseline.
        minimal_at_block_px: no block of this side can be left out: each was tried; None where that was not shown.
        verified_on: the execution providers that ran.
        required: the baselines under which the region is meant to exceed tau.
        passed: whether it does under all of them; None without tau.
        held_out: Dice under draws of the random baselines that nothing before has seen.
        minimality: how `minimal_at_block_px` was found; None where the region is not sufficient.
        necessity: Dice when the region alone is removed; low: the model cannot do without it.
        silhouette: Dice when every pixel of the region has their mean colour; high: its shape gives the answer away.
        stability: see there.
        forwards: images predicted for all of this.
    """

    tau: float | None
    dice: float
    baselines: Mapping[str, float]
    minimal_at_block_px: int | None
    verified_on: str
    required: tuple[str, ...]
    passed: bool | None
    held_out: Mapping[str, float]
    minimality: Minimality | None
    necessity: float
    silhouette: float
    stability: Stability
    forwards: int


@dataclass(frozen=True)
class Alternatives:
    """Minimal regions are not unique.

    Attributes:
        regions: Dice and area of what was found beside the minimal region.
        overlap: (K + 1) x (K + 1) shares of common pixels (intersection over union), the minimal region first.
    """

    regions: tuple[YardstickRecord, ...]
    overlap: tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class ChannelRecord:
    """The map of one input channel, at the network's size.

    Attributes:
        peak_positive, peak_negative: largest and smallest value, in the maps' units; 0 where none has that sign.
        share: of the absolute mass of all channels' maps that lies in this one.
        inside, ring, outside: of this map's absolute mass, what lies on the object, around it, and elsewhere. They sum
            to 1, or are all 0 for a map of zeros.
    """

    peak_positive: float
    peak_negative: float
    share: float
    inside: float
    ring: float
    outside: float


@dataclass(frozen=True)
class Channels:
    """One map an input channel, in numbers.

    Attributes:
        units: of the maps and peaks.
        ring_px: how far from the object the ring reaches, in pixels of the network's input.
        channels: in the order of the network's input.
    """

    units: str
    ring_px: int
    channels: tuple[ChannelRecord, ...]


@dataclass(frozen=True)
class Cost:
    """Images predicted, gradients taken, wall time."""

    forwards: int
    backwards: int
    seconds: float


@dataclass(frozen=True)
class ServerRecord:
    """Of a model behind a server: who answered, and what the explanation exchanged with it; nothing secret.

    Attributes:
        address, protocol, software, software_version, model, model_version: as `segmenter.Server` has them.
        requests, repeated, bytes_sent, bytes_received, seconds: as `segmenter.Traffic` has them.
    """

    address: str
    protocol: str
    software: str | None
    software_version: str | None
    model: str | None
    model_version: str | None
    requests: int
    repeated: int
    bytes_sent: int
    bytes_received: int
    seconds: float


@dataclass(frozen=True)
class Provenance:
    """Everything needed to repeat the explanation, and what was really used; `server` is None for a file."""

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
    server: ServerRecord | None
