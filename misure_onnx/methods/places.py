"""What the model says of the target place by place: more than a Dice, and little enough to be kept for every mask."""

from collections.abc import Sequence

import numpy as np

from misure_onnx.methods.value import VALUES, Numbers
from misure_onnx.scores import Head
from misure_onnx.target import ResolvedTarget
from misure_onnx.types import FloatArray, Scores


def dice_and_places(scores: Scores, head: Head, target: ResolvedTarget) -> Numbers:
    """(N, 1 + 64 + 64): the Dice, then the target's lead in the parts of the object and of what is around it.

    A `Value` of several numbers an image.
    """
    dice = VALUES["dice"](scores, head, target)
    return with_places(dice, [target.lead(lattice.at(scores), head) for lattice in target.lattices], target)


def with_places(dice: Numbers, leads: Sequence[FloatArray], target: ResolvedTarget) -> Numbers:
    """The same from Dice (N,) and the lead (N, 32, 32) at the points of each of the target's lattices."""
    parts = (lattice.in_parts(lead) for lattice, lead in zip(target.lattices, leads, strict=True))
    return np.column_stack([dice, *parts])
