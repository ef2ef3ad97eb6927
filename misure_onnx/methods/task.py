"""What a method is asked, and how it asks the deployed model."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import islice

import numpy as np

from misure_onnx.methods.places import dice_and_places, with_places
from misure_onnx.methods.progress import Progress
from misure_onnx.methods.scoring import MaskScorer, Scoring, fused_scorer
from misure_onnx.methods.shared_answers import SharedAnswers
from misure_onnx.methods.value import VALUES, Numbers, Value, ValueName
from misure_onnx.perturbation import blend
from misure_onnx.segmenter import CountingSegmenter, Predict
from misure_onnx.target import ResolvedTarget
from misure_onnx.types import FloatArray, Images, Mask, Scores, Size

_COUNTED_INSIDE = (VALUES["dice"], dice_and_places)
"""What a `MaskScorer` answers."""


@dataclass(frozen=True, eq=False)
class Task:
    """What a method is asked.

    Attributes:
        segmenter: the deployed model, counting its forwards.
        image: (1, C, H, W) network input.
        target: resolved on `image`.
        seed: of every random choice.
        batch_size: images a call of the segmenter; changes speed, never the result.
        progress: called with (stage, done, total).
        scoring: where many masks are scored, outside the graph or inside it.
        target_is_foreign: the target was found on another image or by another model, so that not even the whole
            image need show it.
        shared: answers of the same image for several targets; None: every question is asked.
    """

    segmenter: CountingSegmenter
    image: Images
    target: ResolvedTarget
    seed: int
    batch_size: int
    progress: Progress
    scoring: Scoring = "auto"
    target_is_foreign: bool = False
    shared: SharedAnswers | None = None

    @property
    def size(self) -> Size:
        """(height, width) of the network input, of a volume (depth, height, width)."""
        return self.image.shape[2:]

    def rng(self) -> np.random.Generator:
        """A fresh generator; the same one at every call."""
        return np.random.default_rng(self.seed)

    def dice(self, masks: FloatArray, baseline: Images) -> Numbers:
        """Hard Dice (N,) of the target, on the deployed model, in the image through each mask (N, H, W)."""
        if len(masks) <= self.batch_size and self.scoring != "fused":  # one call, which gets all processors
            return self.dice_in(blend(self.image, masks, baseline))
        return np.array([dice for _, dice in self.judged(masks, baseline)])

    def dice_in(self, images: Images) -> Numbers:
        """Hard Dice (N,) of the target, on the deployed model, in other images (N, C, H, W)."""
        return VALUES["dice"](self.segmenter.predict(images), self.segmenter.spec.head, self.target)

    def dice_of_each(self, images: Iterable[tuple[str, Images]]) -> Iterator[tuple[str, float]]:
        """Every name with the hard Dice of the target in its image, in order; as many calls at once as run best.

        Args:
            images: (1, C, H, W) each, made one by one, while others are judged.
        """

        def dice(predict: Predict, named: tuple[str, Images]) -> tuple[str, float]:
            name, image = named
            return name, float(VALUES["dice"](predict(image), self.segmenter.spec.head, self.target)[0])

        return self.segmenter.concurrently(dice, images)

    def judged(
        self,
        masks: Iterable[Mask],
        baseline: Images,
        *,
        until: Callable[[float], bool] | None = None,
        many: bool = False,
        value: ValueName = "dice",
    ) -> Iterator[tuple[Mask, float]]:
        """Every mask (H, W) with its Dice as `dice` has it, in order.

        Masks are independent of each other: `batch_size` a call, as many calls at once as run best.

        Args:
            masks: made one by one, while others are judged.
            baseline: (1, C, H, W), what replaces the rest of the image.
            until: whether a Dice is the last one that is wanted; the calls that were begun beside it are paid for.
                Without it a caller takes all.
            many: hundreds are coming.
            value: another number than the Dice, in `VALUES`.
        """

        def is_last(judged: tuple[FloatArray, Numbers]) -> bool:
            return until is not None and any(map(until, judged[1].tolist()))

        for some, numbers in self._asked(masks, baseline, VALUES[value], many=many, is_last=is_last if until else None):
            for mask, number in zip(some, numbers.tolist(), strict=True):
                yield mask, number
                if until is not None and until(number):
                    return

    def answered(self, masks: Iterable[Mask], baseline: Images, value: Value) -> Iterator[tuple[Mask, Numbers]]:
        """Every one of hundreds of masks (H, W) with several numbers (V,) of it; else as `judged`."""
        for some, numbers in self._asked(masks, baseline, value, many=True):
            yield from zip(some, numbers.reshape(len(some), -1), strict=True)

    def _asked(
        self,
        masks: Iterable[Mask],
        baseline: Images,
        value: Value,
        *,
        many: bool,
        is_last: Callable[[tuple[FloatArray, Numbers]], bool] | None = None,
    ) -> Iterator[tuple[FloatArray, Numbers]]:
        """Batches of masks with their numbers."""
        head, replaced = self.segmenter.spec.head, baseline if baseline.any() else None
        shared = self.shared if many and self.scoring != "fused" else None
        inside = value in _COUNTED_INSIDE and (self.scoring == "fused" or many) and shared is None
        scorer = self._fused[0] if inside else None
        answers = None if shared is None else shared.asking(self.target, head, baseline, value)

        def numbers_of(predict: Predict, some: FloatArray) -> tuple[FloatArray, Numbers]:
            def scores_of(masks: FloatArray) -> Scores:
                return predict(blend(self.image, masks, replaced))

            return some, value(scores_of(some), head, self.target) if answers is None else answers(some, scores_of)

        batches = _in_batches(masks, self.batch_size)
        if scorer is None:
            yield from self.segmenter.concurrently(numbers_of, batches, is_last)
            return
        for some in batches:
            self.segmenter.forwards += len(some)
            yield some, self._counted_inside(scorer, some, baseline, value)

    def _counted_inside(self, scorer: MaskScorer, masks: FloatArray, baseline: Images, value: Value) -> Numbers:
        if value is dice_and_places:
            return with_places(*scorer.dice_and_leads(masks, baseline), self.target)
        return scorer.dice(masks, baseline)

    @cached_property
    def _fused(self) -> tuple[MaskScorer | None, tuple[str, ...]]:
        return fused_scorer(self.scoring, self.segmenter, self.image, self.target)

    @property
    def notes(self) -> tuple[str, ...]:
        """What was chosen for the user while masks were scored."""
        saved = 0 if self.shared is None else self.shared.saved(self.target)
        shared = (f"{saved} masks had been answered with the forwards of other explanations of this call",)
        return (*(self._fused[1] if "_fused" in self.__dict__ else ()), *(shared if saved else ()))


def _in_batches(masks: Iterable[Mask], size: int) -> Iterator[FloatArray]:
    """(at most size, H, W) at a time."""
    rest = iter(masks)
    while batch := list(islice(rest, size)):
        yield batch[0][None] if len(batch) == 1 else np.stack(batch)  # one needs no copy
