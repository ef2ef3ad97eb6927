"""The sha256 of every artefact of an audit, and whether they still hold."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from misure_onnx.errors import InputError
from misure_onnx.file_hash import sha256_of
from misure_onnx.files import encode_json, write_whole
from misure_onnx.insights import FOLDER

MANIFEST = "manifest.sha256.json"
SCHEMA = "misure-onnx/manifest/1"
LEFT_OUT = ("shards", FOLDER)
"""Folders that other commands write into after the report: what an audit is resumed from, and what `misure insights`
makes of its table, any time again."""


@dataclass(frozen=True)
class Differences:
    """Files, by their path below the folder, that are not as the manifest says."""

    changed: tuple[str, ...]
    missing: tuple[str, ...]
    added: tuple[str, ...]

    @property
    def none(self) -> bool:
        """Whether everything is as it was."""
        return not (self.changed or self.missing or self.added)


def write_manifest(folder: Path) -> str:
    """Writes the manifest of a folder and gives its own sha256, to be kept elsewhere.

    Raises:
        OutputError: it cannot be written.
    """
    files = {name: sha256_of(folder / name) for name in _artefacts(folder, LEFT_OUT)}
    left_out = [f"{name}/" for name in LEFT_OUT]
    write_whole(folder / MANIFEST, encode_json({"schema": SCHEMA, "left_out": left_out, "files": files}))
    return sha256_of(folder / MANIFEST)


def verify(folder: Path) -> Differences:
    """Compares a folder with its manifest.

    Raises:
        InputError: there is no manifest, or it is none.
    """
    place = folder / MANIFEST
    try:
        document = json.loads(place.read_text(encoding="utf-8"))
        known: dict[str, str] = document["files"]
        left_out: list[str] = [name.removesuffix("/") for name in document["left_out"]]
        readable = document["schema"] == SCHEMA and all(isinstance(value, str) for value in known.values())
    except OSError as error:
        raise InputError(f"{str(folder)!r} has no {MANIFEST}: write one with misure report") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{str(place)!r} is no manifest that misure report wrote: {error}") from error
    if not readable:
        raise InputError(f"{str(place)!r} is no manifest of schema {SCHEMA!r}")
    there = set(_artefacts(folder, left_out))
    return Differences(
        tuple(sorted(name for name in there & set(known) if sha256_of(folder / name) != known[name])),
        tuple(sorted(set(known) - there)),
        tuple(sorted(there - set(known))),
    )


def _artefacts(folder: Path, left_out: Sequence[str]) -> Iterator[str]:
    for place in sorted(folder.rglob("*")):
        name = place.relative_to(folder)
        if place.is_file() and name.parts[0] not in left_out and name.as_posix() != MANIFEST:
            yield name.as_posix()
