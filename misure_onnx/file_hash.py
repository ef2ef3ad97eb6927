"""Which file this is, or which files."""

import hashlib
from pathlib import Path


def sha256_of(*paths: Path) -> str:
    """SHA-256 of a file's bytes, or of several files' one after the other, as hexadecimal digits; read in pieces."""
    digest = hashlib.sha256()
    for path in paths:
        with path.open("rb") as file:
            while piece := file.read(1 << 20):
                digest.update(piece)
    return digest.hexdigest()
