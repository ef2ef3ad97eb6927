"""What a segmenter's scores mean: probabilities, class membership and label maps."""

from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

import numpy as np
import numpy.typing as npt

from misure_onnx.errors import ModelOutputError
from misure_onnx.types import BoolArray, FloatArray, Scores

ScoreKind: TypeAlias = Literal["logits", "softmax", "sigmoid_logits", "sigmoid", "labels"]
"""logits: softmax is still to be applied; softmax: probabilities that sum to 1; sigmoid_logits and
sigmoid: one independent yes/no a channel (a single channel, or overlapping classes); labels: a label
map, carried as one-hot scores."""

SCORE_KINDS: tuple[str, ...] = get_args(ScoreKind)


@dataclass(frozen=True)
class Head:
    """How to read (N, L, H, W) scores.

    Attributes:
        kind: what the numbers are (see `ScoreKind`).
        threshold: probability above which an independent (sigmoid) channel counts as predicted.
    """

    kind: ScoreKind
    threshold: float = 0.5

    @property
    def exclusive(self) -> bool:
        """Whether every pixel belongs to exactly one class."""
        return self.kind in ("logits", "softmax", "labels")

    @property
    def score_threshold(self) -> float:
        """The threshold on the scale of the scores of an independent channel."""
        if self.kind == "sigmoid_logits":
            return float(np.log(self.threshold / (1 - self.threshold)))
        return self.threshold

    def probabilities(self, scores: Scores) -> FloatArray:
        """Probabilities in [0, 1], the shape of `scores`. Softmax is applied to logits and to nothing else."""
        if self.kind == "logits":
            exponentials = np.exp(scores - scores.max(axis=1, keepdims=True))
            return np.asarray(exponentials / exponentials.sum(axis=1, keepdims=True), np.float32)
        if self.kind == "sigmoid_logits":
            return np.asarray(0.5 * (1 + np.tanh(0.5 * scores)), np.float32)
        return scores

    def membership(self, scores: Scores, class_index: int) -> BoolArray:
        """Pixels predicted as `class_index`: (N, H, W) bool.

        For exclusive classes this is `argmax(scores, axis=1) == class_index` (first class wins a tie),
        computed from the maxima before and after the class: twenty times cheaper than the argmax.
        Minus infinity is a score like any other (probability 0) while another class of the pixel is finite.

        Raises:
            ModelOutputError: the class (where classes exclude each other: the largest score of a pixel) is
                NaN or infinite.
        """
        own = scores[:, class_index]
        if not self.exclusive:
            _check_usable(own, exclusive=False)
            return own > self.score_threshold
        before, after = scores[:, :class_index], scores[:, class_index + 1 :]
        maxima = [own, *(_highest(rivals) for rivals in (before, after) if rivals.shape[1])]
        _check_usable(*maxima, exclusive=True)
        predicted = own > maxima[1] if class_index > 0 else np.ones(own.shape, bool)
        if after.shape[1]:
            predicted &= own >= maxima[-1]
        return np.asarray(predicted, bool)

    def above(self, scores: Scores, class_index: int, rival: int) -> BoolArray:
        """Pixels whose score of a class is above that of one other class: (N, H, W) bool; the first class wins a tie.

        Raises:
            ModelOutputError: the larger of the two is NaN or infinite.
        """
        own, other = scores[:, class_index], scores[:, rival]
        _check_usable(own, other, exclusive=True)
        return np.asarray(own > other if rival < class_index else own >= other, bool)

    def share(self, scores: Scores, class_index: int, rival: int) -> FloatArray:
        """p / (p + q), p and q the probabilities of a class and of one other: (N, H, W) in [0, 1].

        Of logits, also of independent channels, the sigmoid of their difference. 0.5 where both probabilities are 0.
        """
        own, other = scores[:, class_index], scores[:, rival]
        if self.kind in ("logits", "sigmoid_logits"):
            return np.asarray(0.5 * (1 + np.tanh(0.5 * (own - other))), np.float32)
        both = own + other
        return np.asarray(np.divide(own, both, out=np.full_like(both, 0.5), where=both > 0), np.float32)

    def strongest_rival(self, scores: Scores, class_index: int, rival: int | None) -> FloatArray:
        """What a class must beat to be predicted: (N, L, ...) -> (N, ...).

        The rival's score where there is one; else the highest of all other classes, or the threshold of an independent
        channel.
        """
        if rival is not None:
            return scores[:, rival]
        if not self.exclusive:
            return np.full_like(scores[:, class_index], self.score_threshold)
        others = [part for part in (scores[:, :class_index], scores[:, class_index + 1 :]) if part.shape[1]]
        return np.maximum.reduce([_highest(part) for part in others]) if others else scores[:, class_index]

    def lead(self, own: FloatArray, rival: FloatArray) -> FloatArray:
        """How far a score is ahead of another, in [-1, 1], 0 where they are equal.

        tanh(d / 4) for a difference d of logits; of probabilities p and q the same without their logarithms,
        (sqrt p - sqrt q) / (sqrt p + sqrt q), with odds in their place where channels are independent.
        """
        if self.kind in ("logits", "sigmoid_logits"):
            return np.asarray(np.tanh((own - rival) / 4), np.float32)
        if self.kind == "sigmoid":
            own, rival = own * (1 - rival), rival * (1 - own)
        own, rival = np.sqrt(np.maximum(own, 0)), np.sqrt(np.maximum(rival, 0))
        both = own + rival
        return np.asarray(np.divide(own - rival, both, out=np.zeros_like(both), where=both > 0), np.float32)

    def labels(self, scores: Scores) -> npt.NDArray[np.int64]:
        """Label map (N, H, W); for independent channels the likeliest class above threshold, else -1.

        Raises:
            ModelOutputError: the largest score of a pixel is NaN or infinite.
        """
        highest = scores.max(axis=1)
        _check_usable(highest, exclusive=self.exclusive)
        best = np.asarray(scores.argmax(axis=1), np.int64)
        return best if self.exclusive else np.where(highest > self.score_threshold, best, -1)


def _highest(scores: Scores) -> FloatArray:
    """(N, K, ...) -> (N, ...); one channel is its own maximum."""
    return scores[:, 0] if scores.shape[1] == 1 else np.asarray(scores.max(axis=1), np.float32)


def _check_usable(*maxima: FloatArray, exclusive: bool) -> None:
    """Refuses a pixel whose largest score is NaN, infinity or (where classes exclude each other) minus infinity."""
    # A sum is four times cheaper than isfinite, and finite for all but absurd scores.
    with np.errstate(invalid="ignore", over="ignore"):
        if all(np.isfinite(values.sum()) for values in maxima):
            return
    highest = np.maximum.reduce(maxima)
    if np.isnan(highest).any():
        bad = "NaN"
    elif np.isposinf(highest).any():
        bad = "infinity"
    elif exclusive and np.isneginf(highest).any():
        bad = "minus infinity for every class of a pixel"
    else:
        return
    raise ModelOutputError(
        f"expected finite scores, got {bad} from the model: check the declared preprocessing "
        "(a wrong scale overflows float16 models) or the export"
    )
