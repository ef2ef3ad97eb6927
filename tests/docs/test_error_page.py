"""The page about errors quotes messages that the library really has."""

import re
from pathlib import Path

import pytest

from docs.building.messages import templates

PAGE = (Path(__file__).resolve().parents[2] / "docs/faq.md").read_text(encoding="utf-8")
QUOTED = re.findall(r"^> `(.+)`$", PAGE, flags=re.MULTILINE)


@pytest.fixture(scope="module")
def known() -> set[str]:
    return templates()


@pytest.mark.parametrize("message", QUOTED)
def test_a_quoted_message_stands_in_the_code(known: set[str], message: str) -> None:
    assert any(message in text for text in known)


def test_many_messages_are_quoted() -> None:
    assert len(QUOTED) > 30


def test_a_message_that_is_not_in_the_code_would_be_noticed(known: set[str]) -> None:
    assert not any("the model predicts nothing of the kind at point" in text for text in known)


def test_every_quote_is_answered() -> None:
    """What follows the last quote of a section is text, not the next heading."""
    for section in re.split(r"^### .+$", PAGE, flags=re.MULTILINE)[1:]:
        after = re.split(r"^> `.+`$", section.split("\n## ")[0], flags=re.MULTILINE)[-1]
        assert len(after.split()) > 8, section[:80]
