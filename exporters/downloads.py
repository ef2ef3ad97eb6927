"""Weights from a framework's own hub, and what to do where there is no network."""

from collections.abc import Callable
from typing import TypeVar

from misure_onnx.errors import InputError

Loaded = TypeVar("Loaded")


def from_hub(name: str, load: Callable[[], Loaded], *, local: bool = False) -> Loaded:
    """What a framework downloads, or has downloaded before; or a directory in the same form.

    Raises:
        InputError: it could not be had.
    """
    try:
        return load()
    except (OSError, ValueError, RuntimeError) as error:  # hubs raise many kinds; all but programming errors are these
        lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
        if local:
            raise InputError(f"{name} cannot be read as a saved network: {lines[0]}") from error
        raise InputError(
            f"the pretrained weights of {name!r} could not be had: {lines[0].rstrip('.')}. Without a network, download "
            "them on another machine and pass --weights FILE; --random-weights exports the network without them"
        ) from error
