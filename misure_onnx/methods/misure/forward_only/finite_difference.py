"""Route `finite_difference`: what the object loses when each cell of a coarse grid goes.

One-sided differences with the largest step there is: a cell is removed as a whole, since the region is binary and
since a label map does not answer to smaller ones. One forward a cell that is still kept; a whole round is
predicted in batches.
"""

import numpy as np
import numpy.typing as npt

from misure_onnx.methods.misure.forward_only.cells import CellGrid
from misure_onnx.methods.misure.forward_only.cost import Cost
from misure_onnx.methods.misure.forward_only.questions import Answer, BudgetSpent, Questions
from misure_onnx.types import BoolArray, Region

COARSEST = 14
"""Cells a side of an image's first grid, at most."""
_WORTHWHILE = 0.1
"""A round that removes a smaller share of the cells than this is followed by one on a finer grid."""


def finite_difference(questions: Questions, sufficient: Region, cost: Cost, finest: int) -> Region:
    """The smallest region that was found sufficient within the budget.

    A round measures the soft Dice without each kept cell (the hard Dice, where the head gives labels), and removes
    as many of the cells that lose least for the cost they save as the deployed model can do without at once (a
    bisection). The grid is refined when a round gains little. A round for which the budget does not reach is not
    begun.

    Args:
        questions: the deployed model.
        sufficient: (H, W) the region to prune.
        cost: what is made small: the area, or area and contour.
        finest: cells a side of the finest grid.
    """
    elimination = _Elimination(questions, CellGrid.coarse(finest, COARSEST, sufficient), cost)
    try:
        elimination.begin()
        while elimination.kept.any():
            before = int(elimination.kept.sum())
            elimination.remove_least(elimination.round())
            gained = before - int(elimination.kept.sum())
            if gained < _WORTHWHILE * before and not elimination.halve_cells(finest) and not gained:
                break
    except BudgetSpent:
        pass
    return elimination.grid.pixels(elimination.kept)


class _Elimination:
    """The cells kept so far and what the deployed model made of them."""

    def __init__(self, questions: Questions, grid: CellGrid, cost: Cost) -> None:
        self._questions, self._cost = questions, cost
        self.grid, self.kept = grid, grid.inside.copy()

    def begin(self) -> None:
        """The region as it is."""
        self._accept(self.kept, self._ask(self.kept))

    def round(self) -> npt.NDArray[np.int64]:
        """Every kept cell (flat indices), the one that can be spared most easily first."""
        cells = np.flatnonzero(self.kept)
        without = [self._without(cells[k : k + 1]) for k in range(cells.size)]
        self._questions.afford(len(without))
        answers = self._questions.ask(self.grid.pixels(region) for region in without)
        lost = np.array([self._answer.score - answer.score for answer in answers])
        now = self._cost(self.grid, self.kept)
        saved = np.array([now - self._cost(self.grid, region) for region in without])
        # A cell that saves nothing (a hole in a smooth region) goes last.
        return cells[np.argsort(np.where(saved > 0, lost / np.maximum(saved, 1e-9), np.inf), kind="stable")]

    def remove_least(self, order: npt.NDArray[np.int64]) -> None:
        """Removes the longest head of the order that can go, found by bisection; every step is a question."""
        start, low, high = self.kept, 0, order.size
        while low < high:
            middle = (low + high + 1) // 2
            fewer = start.copy()
            fewer.flat[order[:middle]] = False
            answer = self._ask(fewer)
            if self._questions.passes(answer):
                self._accept(fewer, answer)
                low = middle
            else:
                high = middle - 1

    def halve_cells(self, finest: int) -> bool:
        """The same pixels on a finer grid; False where there is none."""
        finer = self.grid.finer(finest)
        if finer is None:
            return False
        self.kept = np.asarray(self.grid.carried_to(finer, self.kept), bool) & finer.inside
        self.grid = finer
        return True

    def _without(self, cells: npt.NDArray[np.int64]) -> BoolArray:
        fewer = self.kept.copy()
        fewer.flat[cells] = False
        return fewer

    def _ask(self, cells: BoolArray) -> Answer:
        return self._questions.ask_one(self.grid.pixels(cells))

    def _accept(self, cells: BoolArray, answer: Answer) -> None:
        self.kept, self._answer = cells, answer
        self._questions.keep(self.grid.pixels(cells), answer)
