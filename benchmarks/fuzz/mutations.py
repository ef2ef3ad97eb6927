"""How a good input becomes a broken one. Every choice comes from the generator."""

import json
from collections.abc import Sequence
from typing import Any

import numpy as np

_EXTREME = (
    0,
    1,
    -1,
    2**31 - 1,
    -(2**31),
    2**63,
    1e308,
    -0.0,
    float("nan"),
    float("inf"),
    "",
    "\0",
    "../../x",
    None,
    True,
)
_LONGEST = 2**22


def broken_bytes(sample: bytes, others: Sequence[bytes], rng: np.random.Generator) -> bytes:
    """A few of: bits flipped, bytes set, parts removed, repeated, moved, taken from another sample; or cut off."""
    data = bytearray(sample)
    for _ in range(int(rng.integers(1, 6))):
        if not data:
            break
        start = int(rng.integers(len(data)))
        end = min(len(data), start + int(2 ** rng.uniform(0, 8)))
        match int(rng.integers(7)):
            case 0:
                data[start] ^= 1 << int(rng.integers(8))
            case 1:
                data[start:end] = rng.integers(0, 256, end - start, np.uint8).tobytes()
            case 2:
                del data[start:end]
            case 3:
                data[start:start] = data[start:end] * int(rng.integers(1, 4))
            case 4:
                other = others[int(rng.integers(len(others)))]
                at = int(rng.integers(max(1, len(other))))
                data[start:end] = other[at : at + end - start]
            case 5:
                data[start:end] = bytes([(0, 255, 127, 128)[int(rng.integers(4))]]) * (end - start)
            case _:
                del data[start:]
    return bytes(data[:_LONGEST])


def broken_document(document: Any, rng: np.random.Generator) -> Any:
    """A JSON document with some values replaced, keys removed, added or renamed."""
    broken = json.loads(json.dumps(document))
    for _ in range(int(rng.integers(1, 4))):
        places = list(_places(broken))
        owner, key = places[int(rng.integers(len(places)))]
        match int(rng.integers(5)):
            case 0 | 1:
                owner[key] = _EXTREME[int(rng.integers(len(_EXTREME)))]
            case 2:
                del owner[key]
            case 3:
                owner[key] = [owner[key]] * int(rng.integers(0, 3))
            case _:
                owner[key] = {"x": owner[key]}
        if not list(_places(broken)):
            break
    return broken


def broken_words(words: Sequence[str], known: Sequence[str], rng: np.random.Generator) -> list[str]:
    """A command line with words removed, doubled, exchanged, or replaced by others and by nonsense."""
    broken = list(words)
    for _ in range(int(rng.integers(1, 5))):
        at = int(rng.integers(len(broken) + 1))
        extreme = str(_EXTREME[int(rng.integers(len(_EXTREME)))]).replace("\0", "")
        match int(rng.integers(4)):
            case 0:
                broken[at : at + 1] = []
            case 1:
                broken[at:at] = [known[int(rng.integers(len(known)))]]
            case 2:
                broken[at : at + 1] = [extreme]
            case _:
                broken[at:at] = broken[at : at + 1]
    return broken


def _places(document: Any) -> Any:
    """Every (owner, key) at which a value stands."""
    entries = (
        document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    )
    for key, value in list(entries):
        yield document, key
        yield from _places(value)
