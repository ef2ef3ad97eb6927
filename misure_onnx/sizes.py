"""Sizes in messages."""

from collections.abc import Sequence


def by(size: Sequence[int]) -> str:
    """64x64x32."""
    return "x".join(map(str, size))


def width_first(size: Sequence[int]) -> str:
    """An image's (height, width) as width x height, as viewers say it; a volume's as its file has it."""
    return by(size if len(size) == 3 else size[::-1])
