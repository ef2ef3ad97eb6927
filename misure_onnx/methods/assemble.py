"""From what a method found to an explanation: metrics, yardsticks, certificate, cost, provenance."""

import dataclasses
import platform
import time
from collections.abc import Mapping, Sequence

import numpy as np

from misure_onnx.explanation import Explanation
from misure_onnx.installed import numerical_versions
from misure_onnx.mask import random_region
from misure_onnx.methods.base import Attribution, Method
from misure_onnx.methods.certificate import certify
from misure_onnx.methods.channel_numbers import channel_numbers
from misure_onnx.methods.image_place import ImagePlace
from misure_onnx.methods.measuring import Again, Wanted, measure_wanted
from misure_onnx.methods.precision import precision_notes
from misure_onnx.methods.task import Task
from misure_onnx.metrics import ALWAYS
from misure_onnx.metrics.base import Candidate
from misure_onnx.overlap import iou
from misure_onnx.perturbation import make_baseline
from misure_onnx.records import (
    Alternatives,
    Certificate,
    Channels,
    Cost,
    MethodRecord,
    MetricRecord,
    Metrics,
    Provenance,
    Rival,
    ServerRecord,
    Status,
    SufficientRegionRecord,
    TargetRecord,
    YardstickRecord,
)
from misure_onnx.segmenter import LoadedInput, Predict
from misure_onnx.target import ResolvedTarget
from misure_onnx.types import FloatArray, Region
from misure_onnx.volumes import LoadedVolume


class Clock:
    """Wall time since it was made."""

    def __init__(self) -> None:
        self._start = time.perf_counter()

    def seconds(self) -> float:
        """Seconds since then."""
        return time.perf_counter() - self._start


def assemble(
    method: Method, task: Task, image: LoadedInput, found: Attribution, *, clock: Clock, wanted: Wanted
) -> Explanation:
    """Judges the region on the deployed model and brings every array to the image's size."""
    metrics = _metrics(task, found)
    certificate = certify(task, image, found, metrics.dice_explained)
    alternatives = _alternatives(task, found)
    stage_1 = found.sufficient_region
    cost = Cost(task.segmenter.forwards + found.backwards, found.backwards, round(clock.seconds(), 4))
    more = measure_wanted(wanted, Again(method, task), task, found)
    place = ImagePlace(image.size, task.segmenter.spec.preprocessing)
    return Explanation(
        method=MethodRecord(method.name, method.preset(), method.parameters()),
        target=_target_record(task.target, place),
        metrics=dataclasses.replace(metrics, more=more),
        certificate=certificate,
        cost=cost,
        provenance=_provenance(task, image, found, certificate, more),
        saliency=place.map(found.saliency),
        prediction=place.region(task.target.region),
        sufficient_region=place.region(stage_1.region) if stage_1 else None,
        minimal_region=place.region(found.region),
        alternatives=alternatives,
        alternative_regions=tuple(place.region(region) for region in found.alternatives),
        channels=_channels(task, found),
        channel_maps=_channel_maps(found, place),
        image=image.rgb,
        affine=image.affine if isinstance(image, LoadedVolume) else None,
        georeference=None if isinstance(image, LoadedVolume) else image.georeference,
        trace=dict(found.trace),
    )


def _channels(task: Task, found: Attribution) -> Channels | None:
    """The numbers of the maps as they came, before they are resized."""
    if found.channels is None:
        return None
    return channel_numbers(found.channels.maps, task.target.region, found.channels.units, found.channels.ring)


def _channel_maps(found: Attribution, place: ImagePlace) -> FloatArray | None:
    return None if found.channels is None else np.stack([place.map(own) for own in found.channels.maps])


def _candidate(task: Task, found: Attribution, region: Region) -> Candidate:
    baseline = make_baseline(found.baseline, task.image, task.rng())
    soft = found.soft_mask if region is found.region else region.astype(np.float32)
    return Candidate(task.segmenter, task.image, baseline, task.target, region, soft)


def _metrics(task: Task, found: Attribution) -> Metrics:
    random = random_region(int(found.region.sum()), task.size, task.rng())
    regions = (found.region, task.target.region, random)
    judged, *yardsticks = (_candidate(task, found, region) for region in regions)
    soft, *dice = _numbers(
        task, [("dice_explained_soft", judged), *(("dice_explained", one) for one in (judged, *yardsticks))]
    )
    ratio, *ratios = (_number("perturbation_ratio", one) for one in (judged, *yardsticks))
    predicted_mask, random_mask = map(YardstickRecord, dice[1:], ratios)
    stage_1 = found.sufficient_region
    pixels = int(task.target.region.sum())
    return Metrics(
        dice_explained=dice[0],
        dice_explained_soft=soft,
        perturbation_ratio=ratio,
        sufficient_region=SufficientRegionRecord(
            stage_1.dilations, stage_1.dice, int(stage_1.region.sum()) / pixels, stage_1.saturated
        )
        if stage_1
        else None,
        predicted_mask=predicted_mask,
        random_mask=random_mask,
        sampling_error=found.sampling_error,
    )


def _numbers(task: Task, asked: Sequence[tuple[str, Candidate]]) -> list[float]:
    """Metrics of candidates, as many at the same time as run best."""

    def number(predict: Predict, named: tuple[str, Candidate]) -> float:
        return _number(named[0], dataclasses.replace(named[1], predict=predict))

    return list(task.segmenter.concurrently(number, asked))


def _number(name: str, candidate: Candidate) -> float:
    value = ALWAYS[name]().measure(candidate).value
    if value is None:
        raise RuntimeError(f"{name} is defined for every region")
    return value


def _yardstick(candidate: Candidate) -> YardstickRecord:
    return YardstickRecord(*(_number(name, candidate) for name in ("dice_explained", "perturbation_ratio")))


def _alternatives(task: Task, found: Attribution) -> Alternatives | None:
    """Dice and area of each, and the overlap of all with each other."""
    if not found.alternatives:
        return None
    regions = (found.region, *found.alternatives)
    return Alternatives(
        tuple(_yardstick(_candidate(task, found, region)) for region in found.alternatives),
        tuple(tuple(iou(a, b) for b in regions) for a in regions),
    )


def _target_record(target: ResolvedTarget, place: ImagePlace) -> TargetRecord:
    region = place.region(target.region)
    index = [round(float(along.mean()), 2) for along in np.nonzero(region if region.any() else target.region)]
    centroid = tuple(index if region.ndim == 3 else index[::-1])
    against = None if target.rival is None else Rival(target.rival, target.rival_name)
    return TargetRecord(target.class_index, target.class_name, target.kind, int(region.sum()), centroid, against)


def _provenance(
    task: Task, image: LoadedInput, found: Attribution, certificate: Certificate, more: Mapping[str, MetricRecord]
) -> Provenance:
    identity = task.segmenter.identity
    undefined = [f"metric {name}: {m.details['reason']}" for name, m in more.items() if "reason" in m.details]
    return Provenance(
        model_sha256=identity.model_sha256,
        input_sha256=image.sha256,
        opset=identity.opset,
        providers_requested=identity.providers_requested,
        providers_used=identity.providers_used,
        gradient_route=found.route,
        gradient_fidelity=dataclasses.asdict(found.fidelity) if found.fidelity else None,
        versions={"python": platform.python_version(), **numerical_versions()},
        seed=task.seed,
        status=_status(found, certificate),
        notes=(*identity.notes, *precision_notes(task), *task.target.notes, *task.notes, *found.notes, *undefined),
        server=_server(task),
    )


def _server(task: Task) -> ServerRecord | None:
    """Who answered, and what that took up to now."""
    server, traffic = task.segmenter.identity.server, task.segmenter.traffic
    if server is None or traffic is None:
        return None
    exchanged = dataclasses.replace(traffic, seconds=round(traffic.seconds, 4))
    return ServerRecord(**dataclasses.asdict(server), **dataclasses.asdict(exchanged))


def _status(found: Attribution, certificate: Certificate) -> Status:
    if found.status != "ok":
        return found.status
    if certificate.passed is False:
        return "not_sufficient"
    return "ok"
