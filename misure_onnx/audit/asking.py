"""What is asked of which model about one image: which of its classes and objects are explained."""

from dataclasses import dataclass

from misure_onnx.api import load_segmenter
from misure_onnx.audit.confidence import confidence
from misure_onnx.audit.rows import Asked
from misure_onnx.audit.sample import Sample
from misure_onnx.audit.settings import AuditSettings
from misure_onnx.classes import assumed_background, class_index
from misure_onnx.errors import TargetError
from misure_onnx.network_input import size_in_network_axes
from misure_onnx.segmenter import LoadedInput, Segmenter, SegmenterSpec, load_input
from misure_onnx.target import ResolvedTarget, Target, every_object
from misure_onnx.types import Region, Scores, Size
from misure_onnx.volumes import LoadedVolume


@dataclass(frozen=True, eq=False)
class Question:
    """One class or object; `target` is None, with the reason, where the model does not predict it."""

    asked: Asked
    target: ResolvedTarget | None
    reason: str | None = None


def load_model(settings: AuditSettings) -> Segmenter:
    """The model that is audited.

    Raises:
        MisureError: it cannot be loaded.
    """
    return load_segmenter(
        settings.model,
        settings.preprocess,
        provider=settings.provider,
        window=settings.window,
        remote=settings.remote,
    )


def load_sample(sample: Sample, crop: tuple[int, ...] | None, size: Size | None) -> LoadedInput:
    """The image or volume, or the part of a volume that is asked about.

    Args:
        sample: where it lies.
        crop: the part's first voxel; None: all.
        size: of the part.

    Raises:
        ImageError: it cannot be read, or a crop does not lie inside.
        TargetError: a crop of an image, or for a model of free size.
    """
    loaded = load_input(sample.files if len(sample.files) > 1 else sample.files[0])
    if crop is None:
        return loaded
    if not isinstance(loaded, LoadedVolume) or size is None:
        raise TargetError("a crop is for volumes and for models that take one size")
    return loaded.cropped(crop, size)


def size_of_crop(spec: SegmenterSpec) -> Size | None:
    """As large as the model takes, along the axes of the file; None for a model of free size."""
    return None if spec.size is None else size_in_network_axes(spec.size, spec.preprocessing)


def questions(settings: AuditSettings, segmenter: Segmenter, sample: Sample, loaded: LoadedInput) -> list[Question]:
    """Everything that is asked about an image, by class and then by size; nothing where only background is predicted.

    Raises:
        TargetError: there is no such class.
        ImageError: the ground truth cannot be read.
    """
    spec = segmenter.spec
    scores = segmenter.predict(segmenter.prepare(loaded))
    chosen = (sample.class_spec,) if sample.class_spec is not None else settings.classes
    indices = _predicted(spec, scores, settings) if chosen is None else [class_index(spec, one) for one in chosen]
    found = [one for index in dict.fromkeys(indices) for one in _of_class(settings, segmenter, scores, loaded, index)]
    if chosen is None:  # a class whose objects are all too small was not asked for
        found = [one for one in found if one.target is not None]
    if settings.max_objects is not None:
        found = _largest(found, settings.max_objects)
    cut = settings.crop is not None and sample.truth is not None
    full_size = load_input(sample.files[0]).size if cut else loaded.size
    return [_with_context(one, spec, scores, _truth(sample, one, loaded, full_size, settings.crop)) for one in found]


def _predicted(spec: SegmenterSpec, scores: Scores, settings: AuditSettings) -> list[int]:
    background = assumed_background(spec)
    pixels = {k: int(spec.head.membership(scores, k).sum()) for k in range(spec.classes) if k != background}
    return [index for index, count in pixels.items() if count >= settings.min_pixels]


def _of_class(
    settings: AuditSettings, segmenter: Segmenter, scores: Scores, loaded: LoadedInput, index: int
) -> list[Question]:
    spec = segmenter.spec
    name = spec.class_name(index)
    try:
        if settings.objects:
            targets = every_object(spec, scores, index, settings.min_pixels)
            return [Question(Asked(index, name, number), one) for number, one in enumerate(targets, start=1)]
        size = size_in_network_axes(loaded.size, spec.preprocessing)
        return [Question(Asked(index, name, 0), Target.from_class(index).resolve(spec, scores, size))]
    except TargetError as error:
        return [Question(Asked(index, name, 0), None, str(error))]


def _largest(found: list[Question], count: int) -> list[Question]:
    """The largest few, in the order in which they stood; those that are not predicted are kept."""
    sizes = sorted((int(one.target.region.sum()) for one in found if one.target is not None), reverse=True)
    least = sizes[count - 1] if len(sizes) > count else 0
    kept, left = list[Question](), count
    for one in found:
        if one.target is None:
            kept.append(one)
        elif left > 0 and int(one.target.region.sum()) >= least:
            kept.append(one)
            left -= 1
    return kept


def _truth(
    sample: Sample, one: Question, loaded: LoadedInput, full_size: tuple[int, ...], crop: tuple[int, ...] | None
) -> Region | None:
    if sample.truth is None:
        return None
    region = sample.truth.region(one.asked.class_index, one.asked.class_name, full_size)
    if crop is None:
        return region
    return region[tuple(slice(first, first + extent) for first, extent in zip(crop, loaded.size, strict=True))]


def _with_context(one: Question, spec: SegmenterSpec, scores: Scores, truth: Region | None) -> Question:
    asked = one.asked
    sure = None if one.target is None else confidence(spec.head, scores, asked.class_index, one.target.region)
    return Question(Asked(asked.class_index, asked.class_name, asked.number, sure, truth), one.target, one.reason)
