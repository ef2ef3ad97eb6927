"""pyarrow, an extra: what needs it asks here, so that its absence is one sentence."""

import importlib
from types import ModuleType

from misure_onnx.errors import OutputError


def arrow() -> ModuleType:
    """The module `pyarrow`.

    Raises:
        OutputError: it is not installed.
    """
    try:
        return importlib.import_module("pyarrow")
    except ImportError as error:
        raise OutputError("tables need pyarrow: pip install 'misure-onnx[reports]'") from error


def parquet() -> ModuleType:
    """The module `pyarrow.parquet`.

    Raises:
        OutputError: as `arrow`.
    """
    arrow()
    return importlib.import_module("pyarrow.parquet")
