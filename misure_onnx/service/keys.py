"""API keys: a file with a line a key, `name sha256`, so that nobody can read a key from it.

Keys are random and long, so that a plain hash is enough: there is nothing to guess.
"""

import hashlib
import hmac
import re
import secrets
from pathlib import Path

from misure_onnx.errors import InputError

_LINE = re.compile(r"(\S+)\s+([0-9a-f]{64})")


class Keys:
    """The keys that a service accepts.

    Args:
        names: of their owners, by the keys' SHA-256.
    """

    def __init__(self, names: dict[str, str]) -> None:
        self._names = names

    @classmethod
    def read(cls, path: Path) -> "Keys":
        """A file of keys; empty lines and those that start with # do not count.

        Raises:
            InputError: it cannot be read, a line is ill-formed, or there is no key.
        """
        names = {}
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except (OSError, ValueError) as error:
            raise InputError(f"the file of API keys {str(path)!r} cannot be read: {error}") from error
        for number, line in enumerate(lines, start=1):
            if not line.strip() or line.startswith("#"):
                continue
            if (match := _LINE.fullmatch(line.strip())) is None:
                raise InputError(
                    f"{path}, line {number}: expected 'name sha256', as `misure serve --new-key` writes it"
                )
            names[match[2]] = match[1]
        if not names:
            raise InputError(f"{path} holds no API key: `misure serve --new-key NAME --keys FILE` adds one")
        return cls(names)

    def owner(self, presented: str) -> str | None:
        """The SHA-256 under which jobs of a key are kept; None: no such key. Its time tells nothing about the keys."""
        digest = hashlib.sha256(presented.encode()).hexdigest()
        matches = [known for known in self._names if hmac.compare_digest(known, digest)]
        return matches[0] if matches else None


def new_key(path: Path, name: str) -> str:
    """Adds a key to a file, and returns it: it cannot be read from there again.

    Raises:
        InputError: the name has spaces, or the file cannot be written.
    """
    if not re.fullmatch(r"[^\s#]\S*", name):
        raise InputError(f"a key's name is one word, got {name!r}")
    key = secrets.token_urlsafe(32)
    try:
        with path.open("a", encoding="utf-8") as file:
            file.write(f"{name} {hashlib.sha256(key.encode()).hexdigest()}\n")
        path.chmod(0o600)
    except OSError as error:
        raise InputError(f"the file of API keys {str(path)!r} cannot be written: {error}") from error
    return key
