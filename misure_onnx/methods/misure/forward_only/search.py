"""Route `search`: a (1+1) evolution strategy over the cells of a grid, guided by shared credit.

Every forward is a proposal and a lesson at once. A proposal removes some kept cells that seem worth little
and gives back some removed ones that seem worth much. The deployed model decides: a region that is still sufficient
and smaller is kept. Kept or not, the change of the whole prediction tells what each changed cell was worth
(`credit`). Cells are halved when nothing more can be gained.

Nothing here depends on the budget, so a longer search continues a shorter one.
"""

import numpy as np
import numpy.typing as npt

from misure_onnx.methods.misure.forward_only.cells import CellGrid
from misure_onnx.methods.misure.forward_only.cost import Cost
from misure_onnx.methods.misure.forward_only.credit import pixel_weights, shared_credit
from misure_onnx.methods.misure.forward_only.questions import Answer, BudgetSpent, Questions
from misure_onnx.types import BoolArray, FloatArray, Region

COARSEST = 112
"""Cells a side of an image's first grid, at most."""
_PROBES, _PROBED_SHARE = 10, 0.2
"""Before the first proposal: so many regions without a random share of the cells."""
_FIRST_SHARE, _LARGEST_SHARE = 0.05, 0.1
"""Cells that a proposal removes, as a share of those kept: at first, and at most."""
_GROWTH, _DECAY, _FEWEST = 1.2, 0.85, 2.0
"""That number grows after a success and shrinks after a failure, but not below."""
_GIVEN_BACK = 0.7
"""A proposal gives back at most this share of the number of cells that it removes."""
_MEMORY = 0.6
"""A cell's worth moves by 1 - memory towards each new lesson."""
_PATIENCE, _GIVE_UP = 40, 300
"""Forwards without a smaller region after which cells are halved, and after which the search ends."""


def search(questions: Questions, sufficient: Region, cost: Cost, finest: int) -> Region:
    """The smallest region that was found sufficient within the budget.

    Args:
        questions: the deployed model.
        sufficient: (H, W) the region to prune.
        cost: what is made small: the area, or area and contour.
        finest: cells a side of the finest grid.
    """
    state = _Search(questions, CellGrid.coarse(finest, COARSEST, sufficient), cost)
    try:
        state.begin()
        while state.kept.any() and state.stalled < _GIVE_UP:
            if state.stalled >= _PATIENCE:
                state.halve_cells(finest)
            state.step()
    except BudgetSpent:
        pass
    return state.grid.pixels(state.kept)


class _Search:
    """The cells kept, what each is thought to be worth, and how bold the next proposal is."""

    def __init__(self, questions: Questions, grid: CellGrid, cost: Cost) -> None:
        self._questions, self._cost, self._rng = questions, cost, questions.task.rng()
        self.grid, self.kept, self.stalled = grid, grid.inside.copy(), 0
        self._worth: FloatArray = np.zeros(grid.shape, np.float32)
        self._lessons = np.zeros(grid.shape, np.int64)
        self._boldness = _FIRST_SHARE * int(self.kept.sum())

    def begin(self) -> None:
        """The region as it is, and some with random holes."""
        self._accept(self.kept, self._ask(self.kept))
        for _ in range(_PROBES):
            probe = self.kept & (self._rng.random(self.grid.shape) >= _PROBED_SHARE)
            self._learn(probe, self._ask(probe))

    def step(self) -> None:
        """One proposal, one lesson, one decision."""
        proposed = self._proposal()
        answer = self._ask(proposed)
        self._learn(proposed, answer)
        smaller = self._cost(self.grid, proposed) < self._cost(self.grid, self.kept)
        if smaller and self._questions.passes(answer):
            self._accept(proposed, answer)
            self._boldness *= _GROWTH
            self.stalled = 0
        else:
            self._boldness = max(_FEWEST, self._boldness * _DECAY)
            self.stalled += 1

    def halve_cells(self, finest: int) -> None:
        """The same pixels on a finer grid, where there is one."""
        finer = self.grid.finer(finest)
        if finer is None:
            return
        parts = np.prod(finer.shape) / np.prod(self.grid.shape)
        self._worth = np.asarray(self.grid.carried_to(finer, self._worth) / parts, np.float32)
        self._lessons = np.minimum(self.grid.carried_to(finer, self._lessons), 1)
        self.kept = np.asarray(self.grid.carried_to(finer, self.kept), bool) & finer.inside
        self.grid, self.stalled = finer, 0
        self._boldness = max(self._boldness, _FIRST_SHARE * int(self.kept.sum()))

    def _proposal(self) -> BoolArray:
        kept, free = np.flatnonzero(self.kept), np.flatnonzero(self.grid.inside & ~self.kept)
        most = min(self._boldness, 1 + int(_LARGEST_SHARE * kept.size))
        removed = max(1, round(most * self._rng.uniform(0.5, 1)))
        added = min(int(removed * self._rng.uniform(0, _GIVEN_BACK)), free.size)
        proposed = self.kept.copy()
        proposed.flat[kept[self._by_worth(kept)[:removed]]] = False
        if added:
            proposed.flat[free[self._by_worth(free)[-added:]]] = True
        return proposed

    def _by_worth(self, cells: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Order of some cells by worth per pixel, blurred by noise of the size of a typical worth."""
        worth = self._worth.flat[cells] / self.grid.area.flat[cells]
        noise = np.median(np.abs(worth)) * self._rng.standard_normal(cells.size)
        return np.argsort(worth + noise, kind="stable")

    def _ask(self, cells: BoolArray) -> Answer:
        return self._questions.ask_one(self.grid.pixels(cells))

    def _accept(self, cells: BoolArray, answer: Answer) -> None:
        self.kept, self._answer = cells, answer
        self._weights = pixel_weights(answer.presence, self._questions.task.target.region)
        self._questions.keep(self.grid.pixels(cells), answer)

    def _learn(self, asked: BoolArray, answer: Answer) -> None:
        changes = self._weights * (answer.presence - self._answer.presence)
        credit = shared_credit(self.grid, changes, self.kept, asked)
        changed = asked != self.kept
        self._lessons += changed
        rate = np.maximum(1 / np.maximum(self._lessons, 1), 1 - _MEMORY)
        self._worth = np.where(changed, self._worth + rate * (credit - self._worth), self._worth).astype(np.float32)
