"""The one interface of all methods.

A method is a frozen dataclass whose fields are its parameters; it overrides `attribute`, which gets the
image, the target and the deployed model, and gives a saliency map and a binary region. Everything else
(reading the image, resolving the target, metrics, certificate, provenance) happens here, once.
"""

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self, get_args

from misure_onnx.errors import GradientError, ParameterError, require
from misure_onnx.explanation import Explanation
from misure_onnx.gradients.base import Fidelity
from misure_onnx.ground_truth import TruthLike
from misure_onnx.images import ImageLike
from misure_onnx.methods.progress import Progress, silent
from misure_onnx.methods.scoring import Scoring
from misure_onnx.methods.shared_answers import SharedAnswers
from misure_onnx.methods.task import Task
from misure_onnx.metrics.base import Metric
from misure_onnx.network_input import size_in_network_axes
from misure_onnx.records import Minimality, SamplingError, Status
from misure_onnx.segmenter import CountingSegmenter, Segmenter, load_input
from misure_onnx.target import ResolvedTarget, Target
from misure_onnx.types import FloatArray, Mask, Region, SaliencyMap
from misure_onnx.volumes import VolumeLike


@dataclass(frozen=True)
class SufficientRegionFacts:
    """Stage 1 of MiSuRe: see `Explanation`'s record of the same fields."""

    region: Region
    dilations: int
    dice: float
    curve: tuple[float, ...]
    saturated: bool


@dataclass(frozen=True, eq=False)
class ChannelMaps:
    """One map an input channel: (C, H, W) float32, signed, raw; their units; how wide a ring is reported (pixels)."""

    maps: FloatArray
    units: str
    ring: int


@dataclass(frozen=True, eq=False)
class Attribution:
    """What a method found, at the network's size.

    Attributes:
        saliency: (H, W) float32, raw.
        soft_mask: (H, W) in [0, 1], for the soft Dice explained.
        region: (H, W) bool, the binary region.
        sufficient_region: stage 1, for methods that have one.
        tau: Dice that the region is meant to exceed, or None where the method has no such aim.
        baseline: name of what replaced removed pixels.
        status, notes: for the provenance.
        route, fidelity, backwards: of the gradient, if one was used.
        trace: lists recorded while it ran.
        required: baselines under which the region is meant to exceed tau; empty: `baseline` alone.
        threshold: the region is where the soft mask is above this, apart from parts dropped later; None: it is not.
        minimality: which blocks of the region were left out in vain; None: not tried.
        second_run: what another run found, and the largest region that it could have found.
        alternatives: further minimal regions.
        channels: one map an input channel, for methods that have them.
        sampling_error: how far the map of a method that samples has converged; None: it does not sample.
    """

    saliency: SaliencyMap
    soft_mask: Mask
    region: Region
    sufficient_region: SufficientRegionFacts | None = None
    tau: float | None = None
    baseline: str = "zero"
    status: Status = "ok"
    notes: tuple[str, ...] = ()
    route: str | None = None
    fidelity: Fidelity | None = None
    backwards: int = 0
    trace: Mapping[str, list[float]] = field(default_factory=dict)
    required: tuple[str, ...] = ()
    threshold: float | None = None
    minimality: Minimality | None = None
    second_run: tuple[Region, Region] | None = None
    alternatives: tuple[Region, ...] = ()
    channels: ChannelMaps | None = None
    sampling_error: SamplingError | None = None


class Method(ABC):
    """Base of all methods; subclasses are frozen dataclasses."""

    name: ClassVar[str]
    summary: ClassVar[str]
    uses_gradient: ClassVar[bool] = False
    serves_volumes: ClassVar[bool] = True
    gradient_required: ClassVar[bool] = False
    layers_required: ClassVar[bool] = False
    ROUTES: ClassVar[tuple[str, ...]] = ()
    PRESETS: ClassVar[Mapping[str, Mapping[str, Any]]] = {}
    DEFAULT_PRESET: ClassVar[str | None] = None

    @abstractmethod
    def attribute(self, task: Task) -> Attribution:
        """The method itself."""

    def explain(
        self,
        segmenter: Segmenter,
        image: ImageLike | VolumeLike,
        target: Target | ResolvedTarget | None = None,
        *,
        seed: int = 0,
        batch_size: int | None = None,
        progress: Progress = silent,
        scoring: Scoring = "auto",
        metrics: Mapping[str, Metric] | None = None,
        truth: TruthLike | None = None,
        shared: SharedAnswers | None = None,
    ) -> Explanation:
        """Explains one target on one image.

        Args:
            segmenter: the deployed model.
            image: a file, an array (H, W) or (H, W, C) uint8 or uint16 in RGB, or a loaded image; for models that
                take volumes a NIfTI file, several (one a channel), an array (D, H, W, C), or a loaded volume.
            target: what to explain; None: the largest predicted class that is not background.
            seed: of every random choice; the same seed gives the same explanation.
            batch_size: images a call; None: what runs best on the segmenter. Never changes the result.
            progress: called with (stage, done, total).
            scoring: `plain` scores masks with numpy outside the graph, `fused` inside it; `auto` takes `fused` for
                methods with many masks where the model runs on CUDA. The result is the same.
            metrics: further ones to measure, by name; see `make_metrics`. They do not count in `cost`.
            truth: where the object really is, at the image's size, for the metrics that need it: a file or an array
                (H, W), binary or a label map.
            shared: answers of this image that several explanations share; see `explain_all`.

        Raises:
            ImageError, TargetError, ModelError: the input cannot be used.
            ParameterError: a metric needs a ground truth, and there is none.
            GradientError: the method needs a gradient and no route is left.
            GradientError: the method needs more of the model than answers, and it is behind a server.
            ParameterError: the method does not serve volumes, and the model takes them.
        """
        from misure_onnx.methods.assemble import Clock, assemble  # noqa: PLC0415 - it needs this module's types
        from misure_onnx.methods.measuring import Wanted  # noqa: PLC0415

        require(scoring in get_args(Scoring), f"scoring must be {', '.join(get_args(Scoring))}, got {scoring!r}")
        if not self.serves_volumes and segmenter.spec.rank > 2:
            raise self._no_volumes()
        if segmenter.identity.server is not None and not self.needs_answers_alone():
            raise self._no_server()
        clock = Clock()
        loaded = load_input(image)
        wanted = Wanted.of(metrics or {}, truth, loaded.size)
        counting = CountingSegmenter(segmenter)
        network_image = counting.prepare(loaded)
        if not isinstance(target, ResolvedTarget):
            scores = counting.predict(network_image)
            size = size_in_network_axes(loaded.size, counting.spec.preprocessing)
            target = (target or Target()).resolve(counting.spec, scores, size)
        batch = batch_size or counting.spec.batch_size
        shared = shared if shared is not None and shared.serves(target) else None
        task = Task(counting, network_image, target, seed, batch, progress, scoring, shared=shared)
        return assemble(self, task, loaded, self.attribute(task), clock=clock, wanted=wanted)

    def _no_volumes(self) -> ParameterError:
        from misure_onnx.methods import METHODS  # noqa: PLC0415 - the registry imports this module

        serving = ", ".join(sorted(name for name, method in METHODS.items() if method.serves_volumes))
        return ParameterError(
            f"{self.name} explains models that take images, this one takes volumes; for volumes take {serving}"
        )

    @classmethod
    def needs(cls) -> str:
        """What the method takes of a model, in words."""
        if cls.gradient_required:
            return "forwards and a gradient"
        return "forwards, and a gradient where there is one" if cls.uses_gradient else "forwards"

    @classmethod
    def needs_answers_alone(cls) -> bool:
        """Whether the method serves a model that answers and shows nothing of its inside."""
        return not cls.gradient_required and not cls.layers_required

    def _no_server(self) -> GradientError:
        from misure_onnx.methods import METHODS  # noqa: PLC0415 - the registry imports this module

        serving = ", ".join(sorted(name for name, method in METHODS.items() if method.needs_answers_alone()))
        what = "a gradient" if self.gradient_required else "the layers"
        return GradientError(
            f"{self.name} needs {what} of the model; behind a server a model gives answers alone: explain its file, or "
            f"take {serving}"
        )

    @classmethod
    def from_preset(cls, preset: str, **parameters: Any) -> Self:
        """The method with a preset's parameters, some of them replaced.

        Raises:
            ParameterError: no such preset or parameter.
        """
        if preset not in cls.PRESETS:
            known = ", ".join(cls.PRESETS) or "none"
            raise ParameterError(f"{cls.name} has no preset {preset!r}; its presets: {known}")
        return cls.with_parameters({**cls.PRESETS[preset], **parameters})

    @classmethod
    def with_parameters(cls, parameters: Mapping[str, Any]) -> Self:
        """The method with some parameters replaced.

        Raises:
            ParameterError: no such parameter.
        """
        known = [f.name for f in dataclasses.fields(cls)]  # type: ignore[arg-type]
        unknown = [name for name in parameters if name not in known]
        if unknown:
            raise ParameterError(
                f"{cls.name} has no parameter {', '.join(unknown)}; its parameters: {', '.join(known)}"
            )
        return cls(**parameters)

    def parameters(self) -> dict[str, Any]:
        """Every parameter and its value."""
        return {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}  # type: ignore[arg-type]

    def preset(self) -> str | None:
        """The first preset whose parameters these are, whatever the preset leaves open."""
        mine = self.parameters()
        return next((p for p, values in self.PRESETS.items() if all(mine[k] == v for k, v in values.items())), None)


def spelled(value: Any) -> str:
    """A parameter's value as the command line has it."""
    return str(value).lower() if isinstance(value, bool) else str(value)
