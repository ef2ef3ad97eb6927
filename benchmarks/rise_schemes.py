"""Ways to draw RISE's masks, and ways to get a map from them: what `benchmarks.rise_forwards` compares.

Designs of the masks: drawn alone; in antithetic pairs m, 1 - m under the same shift; balanced, where over blocks of 64
pairs every two cells take all four combinations equally often (a Hadamard matrix with its foldover), so that no
cell's effect is mistaken for another's.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import scipy.linalg

from misure_onnx.methods import sampled_maps
from misure_onnx.methods.kernel_regression import Settings, fit_kernels
from misure_onnx.methods.random_masks import RandomMasks
from misure_onnx.types import FloatArray, SaliencyMap

CELLS = 7
Grids: TypeAlias = npt.NDArray[np.bool_]
Shifts: TypeAlias = npt.NDArray[np.int64]
Values: TypeAlias = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Sample:
    """Masks of one design with what the model said of each (n, V), the Dice first."""

    masks: RandomMasks
    grids: Grids
    shifts: Shifts
    answers: Values

    @property
    def dice(self) -> Values:
        """(n,)."""
        return self.answers[:, 0]

    def part(self, chosen: npt.NDArray[np.int64]) -> "Sample":
        """Some of them."""
        return Sample(self.masks, self.grids[chosen], self.shifts[chosen], self.answers[chosen])

    def mask(self, index: int) -> FloatArray:
        """(H, W)."""
        grid = self.grids[index].reshape(CELLS, CELLS).astype(np.float32)
        return self.masks.mask(grid, tuple(self.shifts[index]))


def alone(rng: np.random.Generator, count: int) -> Grids:
    """Every cell of every mask by itself."""
    return rng.random((count, CELLS**2)) < 0.5


def pairs(rng: np.random.Generator, count: int) -> Grids:
    """m and 1 - m."""
    grids = rng.random((count // 2, CELLS**2)) < 0.5
    return np.stack([grids, ~grids], axis=1).reshape(count, -1)


def balanced(rng: np.random.Generator, count: int) -> Grids:
    """Rows of a Hadamard matrix of order 64, columns and signs at random, each with its complement."""
    blocks = []
    for _ in range(-(-count // 128)):
        columns, signs = rng.permutation(63)[: CELLS**2] + 1, rng.choice([-1, 1], CELLS**2)
        kept = (scipy.linalg.hadamard(64)[rng.permutation(64)][:, columns] * signs) > 0
        blocks.append(np.stack([kept, ~kept], axis=1).reshape(128, -1))
    return np.concatenate(blocks)[:count]


DESIGNS = {"alone": alone, "pairs": pairs, "balanced": balanced}


def mean(sample: Sample) -> SaliencyMap:
    """The definition."""
    found = sampled_maps.MeanMap(sample.masks.size, None)
    found.add([(sample.mask(index), answers) for index, answers in enumerate(sample.answers)])
    return found.maps()[0]


def _samples(sample: Sample) -> FloatArray:
    return np.stack([sample.masks.samples(sample.mask(index)) for index in range(len(sample.dice))])


def linear(sample: Sample) -> SaliencyMap:
    """A linear surrogate, by ridge regression with the strength that leave-one-out prefers."""
    points = _samples(sample)
    centred, values = points - points.mean(axis=0), sample.dice - sample.dice.mean()
    gram = np.asarray(centred @ centred.T, np.float64)
    fits = []
    for strength in (0.01, 0.03, 0.1, 0.3, 1.0, 3.0):
        inverse = np.linalg.inv(gram + strength * np.trace(gram) / len(gram) * np.eye(len(gram)))
        left_out = inverse @ values / np.diag(inverse)
        fits.append((float(np.mean(left_out**2)), (inverse @ values) @ centred))
    weights = np.asarray(min(fits, key=lambda fit: fit[0])[1], np.float32)
    return sample.masks.covariance(lambda masks: np.asarray(masks @ weights, np.float32), np.random.default_rng(0))


def one_kernel(sample: Sample) -> SaliencyMap:
    """A kernel regression of the Dice in which every place counts alike."""
    return _kernel_of_dice(sample, rounds=1)


def learned_kernel(sample: Sample) -> SaliencyMap:
    """The same, which learns which places matter."""
    return _kernel_of_dice(sample, rounds=5)


def _kernel_of_dice(sample: Sample, rounds: int) -> SaliencyMap:
    dice = np.asarray(sample.dice[:, None], np.float32)
    (fitted,) = fit_kernels(_samples(sample), [dice], Settings(rounds, 2.0, 1e-2))
    return sample.masks.covariance(lambda masks: fitted(masks)[:, 0], np.random.default_rng(0))


def surrogate(sample: Sample) -> SaliencyMap:
    """As the method has it."""
    found = sampled_maps.SurrogateMap(sample.masks, len(sample.answers), 0)
    found.add([(sample.mask(index), answers) for index, answers in enumerate(sample.answers)])
    return found.maps()[0]


SCHEMES: dict[str, tuple[str, Callable[[Sample], SaliencyMap]]] = {
    "mean": ("alone", mean),
    "mean, antithetic pairs": ("pairs", mean),
    "mean, balanced cells": ("balanced", mean),
    "linear surrogate": ("alone", linear),
    "kernel surrogate of the Dice, all places alike": ("alone", one_kernel),
    "kernel surrogate of the Dice, learned weights": ("alone", learned_kernel),
    "surrogate in two steps": ("alone", surrogate),
    "the same, antithetic pairs": ("pairs", surrogate),
    "the same, balanced cells": ("balanced", surrogate),
}
