"""What is explained: a class, one object of it, or the part of it inside a user's mask."""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from misure_onnx.classes import assumed_background, class_index, predicted_region, present_classes
from misure_onnx.errors import TargetError
from misure_onnx.lattice import Lattice, lattices_of
from misure_onnx.mask import component_at, components, nearest_pixels, resize_region
from misure_onnx.network_input import in_network_axes
from misure_onnx.overlap import hard_dice
from misure_onnx.points import as_text, index_of, point_is_reversed
from misure_onnx.scores import Head
from misure_onnx.segmenter import SegmenterSpec, class_label
from misure_onnx.types import BoolArray, FloatArray, Region, Scores, Size

TargetKind = Literal["class", "instance", "region"]


@dataclass(frozen=True, eq=False)
class ResolvedTarget:
    """A target on one image, at the network's size.

    Attributes:
        class_index, class_name: the class; the name is None where none is declared.
        kind: the whole class, one connected object, or a user's region.
        region: (H, W) bool, the predicted pixels that must be found again.
        domain: (H, W) bool, the pixels that count. Those predicted as the same class but not part of
            the target are left out, so that the unperturbed image always has Dice 1.
        notes: what was chosen for the user.
        rival, rival_name: the class against which it is explained: a pixel then counts as predicted where the
            class's score is above the rival's, whatever the others say; None: all classes are rivals.
    """

    class_index: int
    class_name: str | None
    kind: TargetKind
    region: Region
    domain: Region
    notes: tuple[str, ...] = ()
    rival: int | None = None
    rival_name: str | None = None

    @property
    def label(self) -> str:
        """The class's name, or "class 3"; of a contrast "dog rather than cat"."""
        own = class_label(self.class_index, self.class_name)
        return own if self.rival is None else f"{own} rather than {class_label(self.rival, self.rival_name)}"

    def predicted(self, scores: Scores, head: Head) -> BoolArray:
        """Pixels that are predicted as the target's class: (N, L, H, W) -> (N, H, W) bool, of the whole image.

        Raises:
            ModelOutputError: NaN or infinite scores.
        """
        if self.rival is None:
            return head.membership(scores, self.class_index)
        return head.above(scores, self.class_index, self.rival)

    def probability(self, scores: Scores, head: Head) -> FloatArray:
        """The class's probability, of a contrast its share of both classes': (N, L, H, W) -> (N, H, W) in [0, 1]."""
        if self.rival is None:
            return head.probabilities(scores)[:, self.class_index]
        return head.share(scores, self.class_index, self.rival)

    def score(self, scores: Scores) -> FloatArray:
        """The class's score, of a contrast the difference of both: (N, L, H, W) -> (N, H, W)."""
        own = scores[:, self.class_index]
        return own if self.rival is None else np.asarray(own - scores[:, self.rival], np.float32)

    def lead(self, scores: Scores, head: Head) -> FloatArray:
        """How far the class leads all others, of a contrast its rival: (N, L, ...) -> (N, ...) in [-1, 1]."""
        return head.lead(scores[:, self.class_index], head.strongest_rival(scores, self.class_index, self.rival))

    @cached_property
    def lattices(self) -> tuple[Lattice, Lattice]:
        """Points over the object, and over what is around it."""
        return lattices_of(self.region)

    def dice(self, predicted: BoolArray) -> npt.NDArray[np.float64]:
        """Hard Dice of predictions (N, H, W) of the class against the region, within the domain: (N,)."""
        return hard_dice(predicted if self._everywhere else predicted & self.domain, self.region)

    @cached_property
    def _everywhere(self) -> bool:
        return bool(self.domain.all())


class _At:
    """Lets `Target.at(x, y)` start a target and `Target.from_class("car").at(x, y)` narrow one."""

    def __get__(self, instance: "Target | None", owner: type["Target"]) -> "Callable[..., Target]":
        narrowed = instance or owner()
        return lambda *point: dataclasses.replace(narrowed, point=point)


@dataclass(frozen=True, eq=False)
class Target:
    """What the user asks about; without anything: the largest predicted class that is not background.

    Attributes:
        class_spec: index or declared name of a class.
        point: (x, y) in pixels of the image, (x, y, z) in voxels of a volume's file: the one object there.
        mask: (H, W) bool at the image's size (any size is resized): only this part of the class.
        against: index or declared name of another class: why this class and not that one? Only these two are compared.
        border: only pixels at most so far from the border of what the above names, counted at the network's size, on
            either side: why does the object end here? None: all of it.

    `Target.at(x, y)` and `Target.from_class("car").at(x, y)` name the object under a pixel.
    """

    class_spec: int | str | None = None
    point: tuple[int, ...] | None = None
    mask: Region | None = None
    border: int | None = None
    against: int | str | None = None

    at = _At()

    def __post_init__(self) -> None:
        if self.point is not None and self.mask is not None:
            raise TargetError("a target is either the object under a point or the part inside a mask, not both")
        if self.border is not None and self.border < 1:
            raise TargetError(f"a border must be at least 1 pixel wide, got {self.border}")

    @classmethod
    def from_class(cls, class_spec: int | str, *, against: int | str | None = None) -> "Target":
        """Everything that the model predicts as one class; `against` another: why that and not the other?"""
        return cls(class_spec=class_spec, against=against)

    @classmethod
    def from_mask(cls, mask: npt.ArrayLike, class_spec: int | str | None = None) -> "Target":
        """The part of a class inside a mask; without a class: the one most frequent there."""
        region = np.asarray(mask) > 0
        if region.ndim not in (2, 3):
            raise TargetError(f"a target mask must be (H, W), a volume's (D, H, W); got shape {region.shape}")
        return cls(class_spec=class_spec, mask=region)

    def resolve(self, spec: SegmenterSpec, scores: Scores, image_size: Size) -> ResolvedTarget:
        """Finds the target in the prediction of the unperturbed image.

        Args:
            spec: of the segmenter.
            scores: (1, L, H, W) for the image.
            image_size: of the image that `point` refers to, in the network's axes.

        Raises:
            TargetError: no such class, nothing predicted for it, or a point outside the image.
        """
        found = self._resolved(spec, scores, image_size)
        if self.against is not None:
            found = rather_than(found, spec, scores, self.against)
        return found if self.border is None else _along_border(found, self.border)

    def _resolved(self, spec: SegmenterSpec, scores: Scores, image_size: Size) -> ResolvedTarget:
        labels = spec.head.labels(scores)[0]
        if self.point is not None:
            return self._object_at(spec, scores, labels, image_size)
        if self.mask is not None:
            return self._inside_mask(spec, scores, labels)
        if self.class_spec is not None:
            index = class_index(spec, self.class_spec)
            notes: tuple[str, ...] = ()
        else:
            index, notes = _largest_class(spec, labels)
        predicted = predicted_region(spec, scores, index)
        return ResolvedTarget(index, spec.class_name(index), "class", predicted, np.ones_like(predicted), notes)

    def _object_at(
        self, spec: SegmenterSpec, scores: Scores, labels: npt.NDArray[np.int64], image_size: Size
    ) -> ResolvedTarget:
        place = index_of(self.point or (), image_size, reverse=point_is_reversed(spec))
        pixel = tuple(
            int(nearest_pixels(n_in, n_out)[at])
            for n_in, n_out, at in zip(labels.shape, image_size, place, strict=True)
        )
        index = int(labels[pixel]) if self.class_spec is None else class_index(spec, self.class_spec)
        predicted = predicted_region(spec, scores, index) if index >= 0 else np.zeros(labels.shape, bool)
        part = component_at(predicted, *pixel)
        if part is None:
            wanted = "no class" if index < 0 else f"not {spec.class_label(index)}"
            raise TargetError(
                f"the model predicts {wanted} at point {as_text(self.point or ())}; in this image: "
                f"{present_classes(spec, scores)}"
            )
        return _instance(spec, index, part, predicted)

    def _inside_mask(self, spec: SegmenterSpec, scores: Scores, labels: npt.NDArray[np.int64]) -> ResolvedTarget:
        mask = np.asarray(self.mask)
        if mask.ndim != labels.ndim:
            raise TargetError(f"a target mask of this model must have {labels.ndim} axes, got shape {mask.shape}")
        mask = resize_region(in_network_axes(mask, spec.preprocessing), labels.shape)
        inside = labels[mask & (labels >= 0)]
        if self.class_spec is None and inside.size == 0:
            raise TargetError("the target mask is empty, or the model predicts no class inside it")
        index = int(np.bincount(inside).argmax()) if self.class_spec is None else class_index(spec, self.class_spec)
        predicted = predicted_region(spec, scores, index)
        if not (predicted & mask).any():
            raise TargetError(
                f"{spec.class_label(index)} is not predicted inside the target mask; "
                f"predicted in this image: {present_classes(spec, scores)}"
            )
        return ResolvedTarget(index, spec.class_name(index), "region", predicted & mask, ~predicted | mask)


def rather_than(target: ResolvedTarget, spec: SegmenterSpec, scores: Scores, against: int | str) -> ResolvedTarget:
    """Why the target's class and not another one?

    Pixels outside the target where the class is above the rival already, under a third class, do not count, so that the
    unperturbed image has Dice 1.

    Args:
        target: resolved on the scores.
        spec: of the segmenter.
        scores: (1, L, H, W) for the image.
        against: index or name of the rival.

    Raises:
        TargetError: no such class, the target's own, a label map (it has no scores to compare), or the rival is
            above the class everywhere in the target (of independent channels both may be predicted).
    """
    rival = class_index(spec, against)
    if rival == target.class_index:
        raise TargetError(f"{target.label} cannot be explained against itself: name another class")
    if spec.head.kind == "labels":
        raise TargetError(
            "the model gives labels only: there are no scores that could be compared with another class's"
        )
    above = spec.head.above(scores, target.class_index, rival)[0]
    region = target.region & above
    if not region.any():
        raise TargetError(f"{spec.class_label(rival)} scores higher than {target.label} everywhere")
    domain = target.domain & (~above | region)
    return dataclasses.replace(target, region=region, domain=domain, rival=rival, rival_name=spec.class_name(rival))


def _along_border(target: ResolvedTarget, width: int) -> ResolvedTarget:
    """The pixels near the border between the target and the rest; the border of the image is none.

    Raises:
        TargetError: the target fills the image.
    """
    if target.region.all():
        raise TargetError(f"{target.label} fills the image: it has no border there")
    inside, outside = ndimage.distance_transform_edt(target.region), ndimage.distance_transform_edt(~target.region)
    band = np.asarray(np.maximum(inside, outside) <= width)
    note = f"only pixels at most {width} px from the target's border count"
    return dataclasses.replace(
        target, kind="region", region=target.region & band, domain=target.domain & band, notes=(*target.notes, note)
    )


def _instance(spec: SegmenterSpec, index: int, part: Region, predicted: Region) -> ResolvedTarget:
    return ResolvedTarget(index, spec.class_name(index), "instance", part, ~predicted | part)


def every_object(
    spec: SegmenterSpec, scores: Scores, class_spec: int | str | None = None, min_pixels: int = 1
) -> tuple[ResolvedTarget, ...]:
    """Every connected object of one class, or of every class that is not background, largest first.

    Args:
        spec: of the segmenter.
        scores: (1, L, H, W) for the image.
        class_spec: only this class.
        min_pixels: objects with fewer pixels (at the network's size) are left out.
    """
    indices = range(spec.classes) if class_spec is None else [class_index(spec, class_spec)]
    found = []
    for index in indices:
        if class_spec is None and index == assumed_background(spec):
            continue
        predicted = spec.head.membership(scores, index)[0]
        found += [_instance(spec, index, part, predicted) for part in components(predicted, min_pixels)]
    if not found:
        raise TargetError(f"no object of {min_pixels} pixels or more; predicted: {present_classes(spec, scores)}")
    return tuple(sorted(found, key=lambda target: -int(target.region.sum())))


def _largest_class(spec: SegmenterSpec, labels: npt.NDArray[np.int64]) -> tuple[int, tuple[str, ...]]:
    background = assumed_background(spec)
    counts = np.bincount(labels[labels >= 0], minlength=spec.classes)
    if background is not None:
        counts[background] = 0
    if not counts.any():
        what = f"only {spec.class_name(background) or 'class 0'}" if background is not None else "nothing"
        raise TargetError(f"the model predicts {what} in this image: there is nothing to explain")
    index = int(counts.argmax())
    label = spec.class_label(index)
    notes = [f"no target was given: {label}, the largest predicted class that is not background, was taken"]
    if background is not None and spec.class_names is None:
        notes.append("no class names are declared: class 0 was taken as background")
    return index, tuple(notes)
