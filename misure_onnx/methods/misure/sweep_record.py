"""The masks that a sweep has met."""

from misure_onnx.gradients.base import Evaluation
from misure_onnx.methods.misure.minimal_region import MaskCandidate
from misure_onnx.methods.misure.pixel_scores import KeptPixels
from misure_onnx.methods.misure.sweep import Sweep
from misure_onnx.types import Region

_STALL = 3
"""Masks, a kind of baseline, without a smaller sufficient one after which the smoothing is halved: finer detail is
needed ..."""
_TOO_LARGE = 0.25
"""... as long as the smallest one is larger than this share of the region that the sweep began with."""
_HALVINGS = 2
"""At most: a quarter of the smoothing that was asked for is still smooth."""


class SweepRecord:
    """What the sweep has met, and what follows from it."""

    def __init__(self, sweep: Sweep, start: Region) -> None:
        self._sweep, self._start = sweep, int(start.sum())
        self.feasible: list[MaskCandidate] = []
        self.trace: dict[str, list[float]] = {"loss": [], "dice": [], "area": []}
        self.first: Evaluation | None = None
        self._gained_at, self._refined_at, self._refinements, self._has_failed = 0, 0, 0, False

    @property
    def masks(self) -> int:
        """How many."""
        return len(self.trace["dice"])

    @property
    def final(self) -> MaskCandidate:
        """The last one."""
        return self._candidate()

    def add(self, kept: KeptPixels, evaluation: Evaluation, worst: float, *, is_complete: bool) -> None:
        """One more mask; `is_complete`: every kind of baseline has answered."""
        self._last = kept
        self.first = self.first or evaluation
        for name, value in zip(self.trace, (evaluation.loss, evaluation.dice, float(kept.region.mean())), strict=True):
            self.trace[name].append(value)
        is_smaller = not self.feasible or int(kept.region.sum()) < self.feasible[-1].area
        if is_complete and worst > self._sweep.tau and is_smaller:
            self.feasible.append(self._candidate())
            self._gained_at = self.masks - 1
        self._has_failed = self._has_failed or worst <= self._sweep.tau

    def is_stalled(self) -> bool:
        """Whether finer detail is needed; once a mask has failed, since before equal scores may keep the area."""
        waited = self.masks - 1 - max(self._gained_at, self._refined_at)
        smallest = self.feasible[-1].area if self.feasible else self._start
        return (
            self._has_failed
            and self._refinements < _HALVINGS
            and waited >= _STALL * len(self._sweep.groups)
            and smallest > _TOO_LARGE * self._start
        )

    def refined(self) -> None:
        """Masks made from now on have finer detail."""
        self._refined_at, self._refinements = self.masks - 1, self._refinements + 1

    def is_exhausted(self) -> bool:
        """Whether the patience is."""
        return 0 < self._sweep.patience < self.masks - 1 - self._gained_at

    def _candidate(self) -> MaskCandidate:
        return MaskCandidate(self._last.soft(), self._last.region, self.trace["dice"][-1], self.masks - 1)
