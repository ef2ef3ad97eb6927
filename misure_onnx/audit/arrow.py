"""pyarrow, an extra: what needs it asks here, so that its absence is one sentence."""

from types import ModuleType

from misure_onnx.errors import OutputError


def arrow() -> ModuleType:
    """The module `pyarrow`.

    Raises:
        OutputError: it is not installed.
    """
    try:
        import pyarrow  # noqa: PLC0415, ICN001 - an extra
    except ImportError as error:
        raise OutputError("tables need pyarrow: pip install 'misure-onnx[reports]'") from error
    return pyarrow


def parquet() -> ModuleType:
    """The module `pyarrow.parquet`.

    Raises:
        OutputError: as `arrow`.
    """
    arrow()
    import pyarrow.parquet  # noqa: PLC0415 - an extra

    return pyarrow.parquet
