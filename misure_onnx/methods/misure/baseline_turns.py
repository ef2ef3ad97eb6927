"""Which of several baselines is asked next."""

_MOST_STALE = 2
"""Rounds after which a baseline is asked again although another one is worse."""


class BaselineTurns:
    """What each kind of baseline last said, and whose turn it is."""

    def __init__(self, groups: tuple[tuple[int, ...], ...]) -> None:
        self._groups = groups
        self._dice: dict[int, float] = {}
        self._asked = [0] * len(groups)
        self._seen = [-1] * len(groups)
        self._clock = 0

    @property
    def complete(self) -> bool:
        """Whether every kind has answered."""
        return len(self._dice) == len(self._groups)

    def next(self) -> tuple[int, int]:
        """(kind, baseline) to evaluate: one not yet asked, one not asked for long, or the worst."""
        kinds = range(len(self._groups))
        oldest = min(kinds, key=lambda kind: self._seen[kind])
        stale = self._clock - self._seen[oldest] > _MOST_STALE * len(self._groups)
        kind = oldest if stale or not self.complete else min(kinds, key=lambda k: (self._dice[k], self._seen[k]))
        baseline = self._groups[kind][self._asked[kind] % len(self._groups[kind])]
        self._asked[kind] += 1
        self._seen[kind] = self._clock
        self._clock += 1
        return kind, baseline

    def record(self, kind: int, dice: float) -> float:
        """Notes a Dice and returns the worst known one."""
        self._dice[kind] = dice
        return min(self._dice.values())
