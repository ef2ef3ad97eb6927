"""The tables that follow from the code or from committed results, written into the pages between their markers.

    python -m docs.building.tables             # writes them
    python -m docs.building.tables --check     # writes nothing; 1 if a page would change

A block begins with `<!-- generated: KIND ARGUMENT -->` and ends with `<!-- end of generated -->`; a test compares all
of them with what this writes.
"""

import argparse
import re
import sys
from collections.abc import Callable
from pathlib import Path

from docs.building.command_tables import command_list, options
from docs.building.method_tables import cost, measured, method_list, parameters
from docs.building.metric_table import metric_list
from docs.building.name_table import names

ROOT = Path(__file__).resolve().parents[2]
_BLOCK = re.compile(r"(<!-- generated: (\w+) ?([\w ]*) -->\n).*?(<!-- end of generated -->)", re.DOTALL)

KINDS: dict[str, Callable[[str], str]] = {
    "parameters": parameters,
    "cost": cost,
    "measured": measured,
    "methods": method_list,
    "metrics": metric_list,
    "names": names,
    "commands": command_list,
    "options": options,
}


def main() -> int:
    """Writes every page anew whose tables differ, or names it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; 1 if a page would change")
    check = parser.parse_args().check
    old = [
        page for page in pages() if with_tables(page.read_text(encoding="utf-8")) != page.read_text(encoding="utf-8")
    ]
    for page in old:
        print(f"{page.relative_to(ROOT)}: {'differs from the code' if check else 'written'}")
        if not check:
            page.write_text(with_tables(page.read_text(encoding="utf-8")), encoding="utf-8")
    return 1 if check and old else 0


def pages() -> list[Path]:
    """Every page that may hold such a block."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def with_tables(text: str) -> str:
    """The text with every block as the code has it now.

    Raises:
        KeyError: a block of an unknown kind.
    """
    return _BLOCK.sub(lambda found: f"{found[1]}{KINDS[found[2]](found[3].strip())}{found[4]}", text)


if __name__ == "__main__":
    sys.exit(main())
