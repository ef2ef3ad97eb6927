"""A generated table in a page of the docs, between two markers."""

from pathlib import Path

Markers = tuple[str, str]
"""The lines before and after the table, as they stand in the page."""


def with_table(page: str, table: str, markers: Markers) -> str:
    """The page with the table between its markers."""
    begin, end = markers
    before, rest = page.split(begin)
    return f"{before}{begin}\n{table}\n{end}{rest.split(end)[1]}"


def write_table(page: Path, table: str, markers: Markers) -> None:
    """The same in a file."""
    page.write_text(with_table(page.read_text(encoding="utf-8"), table, markers), encoding="utf-8")
