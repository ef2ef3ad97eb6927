"""Do the built pages load anything from elsewhere?

    python -m docs.building.offline build/docs

A link that a reader may follow is no such thing; a script, style, font, picture or frame with an address is.
"""

import re
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

_ELSEWHERE = re.compile(r"^\s*(?:[a-z][a-z0-9+.-]*:)?//", re.IGNORECASE)
_LOADING = {"src", "srcset", "data", "poster", "action"}
_IN_STYLES = re.compile(r"""(?:url\(\s*["']?|@import\s+["'])\s*((?:[a-z]+:)?//[^"')\s]+)""", re.IGNORECASE)
_IN_SCRIPTS = re.compile(r"""(?:import\s*\(?|fetch\(|importScripts\(|\.src\s*=)\s*["'`]((?:https?:)?//[^"'`]+)""")


class _Page(HTMLParser):
    """Collects what a page makes a browser load."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._inside = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Attributes that load, and the address of a linked style or icon."""
        self._inside = tag if tag in ("script", "style") else ""
        given = dict(attrs)
        loading = [given.get(name) or "" for name in _LOADING]
        if tag == "link" and given.get("rel") not in ("canonical", "author", "index", "next", "prev", "search"):
            loading.append(given.get("href") or "")
        self.found += [address for address in loading if _ELSEWHERE.match(address)]
        self.found += _IN_STYLES.findall(given.get("style") or "")

    def handle_data(self, data: str) -> None:
        """Scripts and styles that stand in the page."""
        if self._inside == "style":
            self.found += _IN_STYLES.findall(data)
        if self._inside == "script":
            self.found += _IN_SCRIPTS.findall(data)


def loaded_from_elsewhere(site: Path) -> Iterator[tuple[Path, str]]:
    """Every file of a built site that makes a browser ask another host, and what for."""
    for file in sorted(path for path in site.rglob("*") if path.suffix in (".html", ".css", ".js", ".svg")):
        text = file.read_text(encoding="utf-8")
        yield from ((file.relative_to(site), address) for address in addresses(text, file.suffix))


def addresses(text: str, suffix: str) -> list[str]:
    """What one file loads from elsewhere."""
    if suffix == ".css":
        return _IN_STYLES.findall(text)
    if suffix == ".js":
        return _IN_SCRIPTS.findall(text)
    page = _Page()
    page.feed(text)
    return page.found


def main() -> int:
    """Prints what was found; 1 if anything was, or if there is no site."""
    site = Path(sys.argv[1])
    if not (site / "index.html").is_file():
        sys.stderr.write(f"{site} holds no built site: expected its index.html (make docs)\n")
        return 1
    found = list(loaded_from_elsewhere(site))
    for file, address in found:
        sys.stderr.write(f"{file}: loads {address}\n")
    sys.stderr.write(f"{len(found)} addresses of other hosts are loaded\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
