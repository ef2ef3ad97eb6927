"""How a method tells how far it is."""

from collections.abc import Callable
from typing import TypeAlias

Progress: TypeAlias = Callable[[str, int, int], None]
"""Called with (stage, done, total); the total may change while a stage runs."""


def silent(stage: str, done: int, total: int) -> None:
    """Reports nothing."""
    del stage, done, total
