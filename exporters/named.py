"""Objects of the user's own code, named as `package.module:attribute`."""

import importlib
from typing import Any

from misure_onnx.errors import InputError


def named_object(name: str) -> Any:
    """Imports a module (the current folder is searched first) and takes an attribute of it.

    Raises:
        InputError: there is no such module or attribute.
    """
    module, colon, attribute = name.partition(":")
    if not colon or not module or not attribute:
        raise InputError(f"expected package.module:attribute, got {name!r}")
    try:
        return getattr(importlib.import_module(module), attribute)
    except ModuleNotFoundError as error:
        raise InputError(f"{name}: {error}; run the command in the folder in which the import works") from error
    except AttributeError as error:
        raise InputError(f"{name}: {error}") from error
