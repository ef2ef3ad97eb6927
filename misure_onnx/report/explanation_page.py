"""One explanation as a page of its own: no script, nothing fetched, every value escaped."""

import base64
from functools import cache
from pathlib import Path
from typing import Any

from misure_onnx.certificate_in_words import certificate_in_words
from misure_onnx.explanation import Explanation
from misure_onnx.files import encode_json
from misure_onnx.report.templates import environment

_MARKS = {True: "\N{CHECK MARK}", False: "\N{BALLOT X}", None: "\N{MIDDLE DOT}"}
_CLASSES = {True: "good", False: "bad", None: ""}


def explanation_page(found: Explanation, figure: bytes) -> bytes:
    """HTML, UTF-8.

    Args:
        found: the explanation.
        figure: its figure, PNG.

    Raises:
        OutputError: jinja2 is not installed.
    """
    bars, tau, findings = certificate_in_words(found.certificate)
    page: str = _template().render(
        found=found,
        figure=base64.b64encode(figure).decode("ascii"),
        bars=bars,
        tau=tau,
        findings=[(_MARKS[finding.good], _CLASSES[finding.good], finding.text) for finding in findings],
        document=encode_json(found.to_json()).decode(),
    )
    return page.encode()


@cache
def _template() -> Any:
    source = Path(__file__).with_name("explanation_page.html.j2").read_text(encoding="utf-8")
    return environment().from_string(source)
