"""Weights from files, without running code that lies in them."""

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from misure_onnx.errors import InputError

_NESTED = ("state_dict", "model_state_dict", "model", "net")
"""Keys under which training scripts keep the weights."""

_PREFIXES = ("module.", "model.", "net.", "network.")
"""What wrappers (DataParallel, Lightning) put before every name."""

_NAMED = 3


def load_weights(network: nn.Module, path: Path) -> None:
    """Fills a network from a state dict: `.safetensors`, or what torch.save wrote.

    Raises:
        InputError: no such file, a file that holds code, or weights of another network.
    """
    given = _without_prefix(_tensors(_read(path), path), set(network.state_dict()))
    try:
        found = network.load_state_dict(given, strict=False)
    except RuntimeError as error:
        shapes = "; ".join(line.strip() for line in str(error).splitlines()[1 : 1 + _NAMED])
        raise InputError(f"{path}: weights of another network: {shapes}; check --set and --classes") from error
    if found.missing_keys or found.unexpected_keys:
        raise InputError(
            f"{path}: weights of another network: it lacks {_some(found.missing_keys)} and has "
            f"{_some(found.unexpected_keys)} that the network does not know; check the model's name and --set"
        )


def _read(path: Path) -> Any:
    if not path.is_file():
        raise InputError(f"weights {str(path)!r} are no existing file; expected a state dict (.pth, .pt, .safetensors)")
    if path.suffix == ".safetensors":
        from safetensors.torch import load_file  # noqa: PLC0415 - only for such files

        return load_file(path)
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise InputError(
            f"{path} holds more than weights: reading it would run code that lies in it. Save the weights alone: "
            "torch.save(model.state_dict(), FILE)"
        ) from error
    except (OSError, RuntimeError, EOFError, ValueError) as error:
        raise InputError(f"{path} cannot be read as weights: {str(error).splitlines()[0]}") from error


def _tensors(content: Any, path: Path) -> dict[str, Tensor]:
    """The state dict, or the one inside a checkpoint."""
    for key in _NESTED:
        if isinstance(content, Mapping) and isinstance(content.get(key), Mapping):
            content = content[key]
    if isinstance(content, Mapping) and content and all(isinstance(value, Tensor) for value in content.values()):
        return dict(content)
    kind = f"keys {', '.join(map(str, list(content)[:_NAMED]))}" if isinstance(content, Mapping) else type(content)
    raise InputError(f"{path}: expected a state dict (names and tensors, maybe under {_NESTED[0]!r}); got {kind}")


def _without_prefix(given: dict[str, Tensor], known: set[str]) -> dict[str, Tensor]:
    """Takes wrappers' prefixes off all names, where the network's own names do not have it."""
    for prefix in _PREFIXES:
        if not set(given) & known and all(name.startswith(prefix) for name in given):
            return _without_prefix({name.removeprefix(prefix): value for name, value in given.items()}, known)
    return given


def _some(names: list[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return (", ".join(names[:_NAMED]) or "nothing") + more
