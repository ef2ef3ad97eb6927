"""docs/metrics.md cannot drift: its list is the registry."""

import re
from pathlib import Path

from misure_onnx.metrics import METRICS

PAGE = (Path(__file__).resolve().parent.parent / "docs" / "metrics.md").read_text(encoding="utf-8")
KINDS = {
    "A region": "region",
    "A map": "map",
    "A map and the ground truth": "map and ground truth",
    "The method again": "the method again",
}


def test_the_page_has_every_metric_under_its_kind_in_the_registry_s_order() -> None:
    listed = []
    for part in PAGE.split("\n## ")[1:]:
        title = part.splitlines()[0]
        listed += [(name, KINDS[title]) for name in re.findall(r"^### `(\w+)`$", part, flags=re.MULTILINE)]
    assert listed == [(name, metric.needs) for name, metric in METRICS.items()]


def test_every_metric_has_a_paragraph_that_says_what_is_good_or_what_it_means() -> None:
    paragraphs = re.split(r"^### `\w+`$", PAGE, flags=re.MULTILINE)[1:]
    for paragraph in paragraphs:
        assert len(paragraph.split("\n## ")[0].split()) > 20
