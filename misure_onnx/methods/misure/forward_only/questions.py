"""Asking the deployed model about regions, within a budget of forwards."""

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np

from misure_onnx.methods.task import Task
from misure_onnx.overlap import soft_dice
from misure_onnx.perturbation import blend
from misure_onnx.scores import Head
from misure_onnx.target import ResolvedTarget
from misure_onnx.types import FloatArray, Images, Region, Scores


class BudgetSpent(Exception):  # noqa: N818 - the regular end of a search, no error
    """The next question would exceed the budget."""


@dataclass(frozen=True, eq=False)
class Answer:
    """What the deployed model sees of the object in one region.

    Attributes:
        dice: hard Dice of the target.
        presence: (H, W) in [0, 1], how much the object is there at each pixel of the target's domain.
        score: soft Dice of `presence`, which orders regions of equal hard Dice; the hard Dice where the head
            gives labels.
    """

    dice: float
    presence: FloatArray
    score: float


@dataclass(eq=False)
class Questions:
    """The deployed model, asked about regions of one image; every region asked about is one forward.

    Attributes:
        task: image, target and deployed model.
        baseline: (1, C, H, W), what replaces removed pixels.
        tau: hard Dice that a region must exceed.
        budget: forwards that may be spent here. Neither the sufficient region's forwards count nor those
            that judge the final region.
        spent: forwards spent.
        trace: forwards, area (share of the image) and Dice at the first region and at every one that was kept.
    """

    task: Task
    baseline: Images
    tau: float
    budget: int
    spent: int = 0
    trace: dict[str, list[float]] = field(default_factory=lambda: {"forwards": [], "area": [], "dice": []})

    def afford(self, forwards: int) -> None:
        """Ends the search where the budget does not reach for what is planned, before any of it is asked.

        Raises:
            BudgetSpent: there are fewer forwards left.
        """
        if self.spent + forwards > self.budget:
            raise BudgetSpent

    def ask(self, regions: Iterable[Region]) -> Iterator[Answer]:
        """One answer a region (H, W), in order; predicted `task.batch_size` at a time.

        Raises:
            BudgetSpent: the next batch would exceed the budget.
        """
        waiting = iter(regions)
        while batch := list(itertools.islice(waiting, self.task.batch_size)):
            self.afford(len(batch))
            self.spent += len(batch)
            masks = np.stack(batch).astype(np.float32)
            scores = self.task.segmenter.predict(blend(self.task.image, masks, self.baseline))
            self.task.progress("minimal region", self.spent, self.budget)
            for one in scores:
                yield self._answer(one[None])

    def ask_one(self, region: Region) -> Answer:
        """The answer for one region (H, W).

        Raises:
            BudgetSpent: no forward is left.
        """
        return next(self.ask([region]))

    def notes(self) -> tuple[str, ...]:
        """What the user should know of how answers were compared."""
        if self.task.segmenter.spec.head.kind != "labels":
            return ()
        return ("the model gives labels, no scores: regions were compared by their hard Dice alone",)

    def passes(self, answer: Answer) -> bool:
        """Whether a region is sufficient."""
        return answer.dice > self.tau

    def keep(self, region: Region, answer: Answer) -> None:
        """Records a region that was accepted."""
        for name, value in (("forwards", self.spent), ("area", float(region.mean())), ("dice", answer.dice)):
            self.trace[name].append(value)

    def _answer(self, scores: Scores) -> Answer:
        head, target = self.task.segmenter.spec.head, self.task.target
        seen = presence(head, scores, target) * target.domain
        return Answer(
            float(target.dice(target.predicted(scores, head))[0]),
            seen,
            soft_dice(seen, target.region.astype(np.float32)),
        )


def presence(head: Head, scores: Scores, target: ResolvedTarget) -> FloatArray:
    """(1, L, H, W) -> (H, W) in [0, 1]: how much of the target's class is there, 0.5 where it is about to be lost.

    The head's probability; of logits the sigmoid of the margin over the strongest rival, which crosses 0.5 where
    the argmax changes and costs a maximum instead of a softmax over all classes. 0 or 1 for label maps.
    """
    class_index = target.class_index
    own = scores[0, class_index]
    if target.rival is not None:
        return np.asarray(target.probability(scores, head)[0], np.float32)
    if head.kind != "logits":
        return np.asarray(head.probabilities(scores[:, class_index : class_index + 1])[0, 0], np.float32)
    if scores.shape[1] == 1:
        return np.ones_like(own)
    rivals = [part.max(axis=0) for part in (scores[0, :class_index], scores[0, class_index + 1 :]) if len(part)]
    return np.asarray(0.5 * (1 + np.tanh(0.5 * (own - np.maximum.reduce(rivals)))), np.float32)
