"""Jinja2, which fills the pages: an extra."""

import importlib
from typing import Any

from misure_onnx.errors import OutputError


def jinja2() -> Any:
    """The module; asked for before anything is computed that a page will show.

    Raises:
        OutputError: it is not installed.
    """
    try:
        return importlib.import_module("jinja2")
    except ImportError as error:
        raise OutputError("reports need jinja2: pip install 'misure-onnx[reports]'") from error


def environment() -> Any:
    """How templates are read: every value is escaped, since names come from files that others wrote.

    Raises:
        OutputError: as `jinja2`.
    """
    library = jinja2()
    return library.Environment(autoescape=True, undefined=library.StrictUndefined, trim_blocks=True)
