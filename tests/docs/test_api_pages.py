"""The pages of the Python API leave out no public name."""

import inspect
import re
from pathlib import Path

import misure_onnx
from misure_onnx import errors
from misure_onnx.methods import METHODS
from misure_onnx.metrics import METRICS

PAGES = "".join(page.read_text("utf-8") for page in (Path(__file__).resolve().parents[2] / "docs/api").glob("*.md"))
DOCUMENTED = re.findall(r"^\.\. auto(?:class|function):: (.+)$", PAGES, flags=re.MULTILINE)


def shown(thing: object) -> bool:
    """Under its own module's name or the package's."""
    name = getattr(thing, "__name__", "")
    places = {f"{getattr(thing, '__module__', '')}.{name}", f"misure_onnx.{name}"}
    return bool(places & set(DOCUMENTED))


def test_every_public_name_is_shown() -> None:
    public = [getattr(misure_onnx, name) for name in misure_onnx.__all__ if name not in ("METHODS", "METRICS")]
    in_modules = [thing for thing in public if getattr(thing, "__module__", "") == "misure_onnx.errors"]
    assert [thing for thing in public if thing not in in_modules and not shown(thing)] == []


def test_every_error_is_shown_with_its_module() -> None:
    assert ".. automodule:: misure_onnx.errors\n   :members:" in PAGES
    assert all(inspect.getdoc(error) for _, error in inspect.getmembers(errors, inspect.isclass))


def test_every_method_and_metric_is_shown() -> None:
    assert [name for name, method in METHODS.items() if not shown(method)] == []
    assert [name for name, metric in METRICS.items() if not shown(metric)] == []


def test_nothing_is_shown_twice() -> None:
    assert len(DOCUMENTED) == len(set(DOCUMENTED))
