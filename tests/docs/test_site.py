"""The site builds without a warning, and its pages load nothing from elsewhere."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from docs.building.offline import addresses, loaded_from_elsewhere

ROOT = Path(__file__).resolve().parents[2]


def test_the_site_builds_without_warnings_and_loads_nothing_from_elsewhere(tmp_path: Path) -> None:
    """Without running the notebooks, which `make docs` does."""
    pytest.importorskip("myst_nb", reason="the group docs is not installed (make install does)")
    options = ["-W", "--keep-going", "-q", "-D", "nb_execution_mode=off", "-D", "suppress_warnings=myst-nb.lexer"]
    built = subprocess.run(
        [sys.executable, "-m", "sphinx", "-b", "html", *options, "docs", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr[-3000:]
    assert list(loaded_from_elsewhere(tmp_path)) == []
    formula = (tmp_path / "methods/rise.html").read_text(encoding="utf-8")
    assert "<math " in formula
    assert not re.search(r"<script[^>]*mathjax", formula, re.IGNORECASE)


@pytest.mark.parametrize(
    ("text", "suffix"),
    [
        ('<script src="https://cdn.example/a.js"></script>', ".html"),
        ('<script src="//cdn.example/a.js"></script>', ".html"),
        ('<link rel="stylesheet" href="https://fonts.example/css">', ".html"),
        ('<link rel="preconnect" href="https://fonts.example">', ".html"),
        ('<img src="https://shields.example/b.svg">', ".html"),
        ('<iframe src="http://video.example/x"></iframe>', ".html"),
        ('<p style="background: url(https://a.example/b.png)">', ".html"),
        ("<style>@import 'https://a.example/b.css';</style>", ".html"),
        ('<script>import("https://a.example/b.js")</script>', ".html"),
        ('@font-face { src: url("https://a.example/f.woff2") }', ".css"),
        ("@import url(//a.example/b.css);", ".css"),
        ('fetch("https://a.example/data.json")', ".js"),
    ],
)
def test_what_is_loaded_from_elsewhere_is_found(text: str, suffix: str) -> None:
    assert len(addresses(text, suffix)) == 1


@pytest.mark.parametrize(
    ("text", "suffix"),
    [
        ('<a href="https://arxiv.org/abs/1806.07421">a paper</a>', ".html"),
        ('<script src="_static/a.js"></script><img src="a.png"><link rel="stylesheet" href="_static/a.css">', ".html"),
        (
            '<svg xmlns="http://www.w3.org/2000/svg"></svg><math xmlns="http://www.w3.org/1998/Math/MathML"></math>',
            ".html",
        ),
        ("a { background: url(data:image/png;base64,AAAA) }", ".css"),
        ('const licence = "https://example.org/licence";', ".js"),
    ],
)
def test_links_names_and_own_files_are_not(text: str, suffix: str) -> None:
    assert addresses(text, suffix) == []
