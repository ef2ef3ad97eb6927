"""Further metrics of what a method found, each beside the same of two yardsticks."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np

from misure_onnx.errors import ParameterError
from misure_onnx.ground_truth import GroundTruth, TruthLike, truth_of_size
from misure_onnx.mask import random_region
from misure_onnx.methods.base import Attribution, Method
from misure_onnx.methods.image_place import ImagePlace
from misure_onnx.methods.progress import silent
from misure_onnx.methods.task import Task
from misure_onnx.metrics.base import (
    Candidate,
    Explain,
    MapCandidate,
    MapMetric,
    Measured,
    Metric,
    RegionMetric,
    Rerun,
    RerunMetric,
    TruthCandidate,
    TruthMetric,
)
from misure_onnx.perturbation import make_baseline
from misure_onnx.records import MetricRecord
from misure_onnx.segmenter import CountingSegmenter, Segmenter
from misure_onnx.types import Images, Mask, Region, SaliencyMap, Size


@dataclass(frozen=True, eq=False)
class Wanted:
    """What is to be measured: metrics by name, the ground truth at the image's size, and that size."""

    metrics: Mapping[str, Metric]
    truth: GroundTruth | None
    image_size: Size

    @classmethod
    def of(cls, metrics: Mapping[str, Metric], truth: TruthLike | None, image_size: Size) -> Self:
        """Refuses what cannot be measured, before anything is computed.

        Raises:
            ParameterError: a metric needs a ground truth, and there is none.
            ImageError: the ground truth cannot be read, or has another size than the image.
        """
        needy = [name for name, metric in metrics.items() if isinstance(metric, TruthMetric)]
        if needy and truth is None:
            raise ParameterError(f"{', '.join(needy)} needs a ground truth: pass one (--truth FILE), or leave it out")
        return cls(metrics, None if truth is None else truth_of_size(truth, image_size), image_size)


@dataclass(frozen=True, eq=False)
class _Subject:
    """What is judged: the method's own result, or a yardstick in its place."""

    saliency: SaliencyMap
    region: Region
    soft_mask: Mask
    explain: Explain


def measure_wanted(wanted: Wanted, explain: Explain, task: Task, found: Attribution) -> dict[str, MetricRecord]:
    """Every metric of the result, of the predicted object, and of the result's values at random places."""
    own = _Subject(found.saliency, found.region, found.soft_mask, explain)
    subjects = (own, _predicted_mask(task), _at_random_places(task, found))
    records = {}
    for done, (name, metric) in enumerate(wanted.metrics.items()):
        task.progress("metrics", done, len(wanted.metrics))
        before = task.segmenter.forwards
        measured, predicted, random = (_measure(metric, subject, wanted, task, found.baseline) for subject in subjects)
        records[name] = MetricRecord(
            value=measured.value,
            higher_is_better=metric.higher_is_better,
            unit=metric.unit,
            predicted_mask=predicted.value,
            random_mask=random.value,
            parameters=metric.parameters(),
            forwards=task.segmenter.forwards - before,
            details=measured.details,
        )
    return records


def _measure(metric: Metric, subject: _Subject, wanted: Wanted, task: Task, baseline: str) -> Measured:
    """Gives each kind of metric what it looks at."""
    if isinstance(metric, RegionMetric):
        replaced = make_baseline(baseline, task.image, task.rng())
        return metric.measure(
            Candidate(task.segmenter, task.image, replaced, task.target, subject.region, subject.soft_mask)
        )
    if isinstance(metric, MapMetric):
        return metric.measure(
            MapCandidate(subject.saliency, task.segmenter, task.image, task.target, task.judged, baseline, task.seed)
        )
    if isinstance(metric, TruthMetric) and wanted.truth is not None:
        place = ImagePlace(wanted.image_size, task.segmenter.spec.preprocessing)
        saliency, counted = place.map(subject.saliency), place.region(task.target.domain)
        return metric.measure(TruthCandidate(saliency, wanted.truth.region(task.target.class_index) & counted))
    if isinstance(metric, RerunMetric):
        return metric.measure(
            Rerun(subject.explain, subject.saliency, task.segmenter.segmenter, task.image, task.dice_in, task.seed)
        )
    raise TypeError(f"{type(metric).__name__} is none of the four kinds of metric")


class Again:
    """A method, run again; what it asks of another model counts too."""

    def __init__(self, method: Method, task: Task) -> None:
        self._method, self._task = method, task

    def __call__(
        self, *, image: Images | None = None, seed: int | None = None, segmenter: Segmenter | None = None
    ) -> SaliencyMap:
        """The map; see `Explain`."""
        counting = self._task.segmenter if segmenter is None else CountingSegmenter(segmenter)
        changed = dataclasses.replace(
            self._task,
            segmenter=counting,
            image=self._task.image if image is None else image,
            seed=self._task.seed if seed is None else seed,
            progress=silent,
            shared=self._task.shared if image is None and segmenter is None else None,
            target_is_foreign=image is not None or segmenter is not None,
        )
        found = self._method.attribute(changed)
        self._task.segmenter.forwards += found.backwards + (0 if segmenter is None else counting.forwards)
        return found.saliency


def _predicted_mask(task: Task) -> _Subject:
    mask = task.target.region.astype(np.float32)

    def explain(
        *, image: Images | None = None, seed: int | None = None, segmenter: Segmenter | None = None
    ) -> SaliencyMap:
        del image, seed, segmenter
        return mask

    return _Subject(mask, task.target.region, mask, explain)


def _at_random_places(task: Task, found: Attribution) -> _Subject:
    """As many random pixels, and a map of the same values whose places depend on the seed alone."""
    region = random_region(int(found.region.sum()), task.size, task.rng())

    def explain(
        *, image: Images | None = None, seed: int | None = None, segmenter: Segmenter | None = None
    ) -> SaliencyMap:
        del image, segmenter
        rng = np.random.default_rng(task.seed if seed is None else seed)
        return rng.permutation(found.saliency.ravel()).reshape(found.saliency.shape)

    return _Subject(explain(), region, region.astype(np.float32), explain)
