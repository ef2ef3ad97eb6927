"""The models that a service explains: a folder that its operator fills.

    person.onnx              a model; its id is the SHA-256 of this file
    person.yaml              optional: its preprocessing, as `--preprocess` takes it
    vendor.remote.yaml       a model behind a server: `url`, `preprocess`, and `remote`, fields of `RemoteOptions`; the
                             id is the SHA-256 of this file

Clients name a model by id or by name. Addresses come from these files alone: a client that sends one is refused.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

from misure_onnx.api import load_segmenter
from misure_onnx.backends.open_inference import RemoteOptions
from misure_onnx.errors import InputError
from misure_onnx.file_hash import sha256_of
from misure_onnx.segmenter import Segmenter

_DECLARED = (".yaml", ".yml")
_REMOTE = ".remote.yaml"
_FIELDS = {"url", "preprocess", "remote"}


@dataclass(frozen=True)
class ModelEntry:
    """One model.

    Attributes:
        id: SHA-256 of its file.
        name: of the file, without its ending.
        source: path of the ONNX file, or an address.
        preprocess: path of its preprocessing file, or its fields; None: what the model says itself.
        described_as: changes when anything about the entry does.
        remote: of an address: fields of `RemoteOptions`.
    """

    id: str
    name: str
    source: str
    preprocess: str | dict[str, Any] | None
    described_as: str
    remote: dict[str, Any] = field(default_factory=dict)

    def loaded(self, provider: str) -> Segmenter:
        """The model.

        Args:
            provider: of a file; a server chooses its own.

        Raises:
            MisureError: as `load_segmenter`.
        """
        if "://" not in self.source:
            return load_segmenter(self.source, self.preprocess, provider=provider)
        return load_segmenter(self.source, self.preprocess, remote=RemoteOptions(**self.remote))

    def to_mapping(self) -> dict[str, Any]:
        """As JSON has it."""
        return asdict(self)


def read_registry(folder: Path | None) -> dict[str, ModelEntry]:
    """Every model of a folder by its id; None: the bundled one.

    Raises:
        InputError: no such folder, no model in it, or two files that are the same.
    """
    if folder is None:
        with as_file(files("misure_onnx") / "demo" / "triangle.onnx") as bundled:
            entry = _local(bundled)
        return {entry.id: entry}
    if not folder.is_dir():
        raise InputError(f"--models expects a folder of ONNX files, got {str(folder)!r}")
    found: dict[str, ModelEntry] = {}
    for path in sorted(folder.iterdir()):
        if path.name.endswith(_REMOTE):
            entry = _remote(path)
        elif path.suffix == ".onnx":
            entry = _local(path)
        else:
            continue
        if entry.id in found:
            raise InputError(f"models {found[entry.id].name!r} and {entry.name!r} in {str(folder)!r} are the same file")
        found[entry.id] = entry
    if not found:
        raise InputError(f"the folder of models {str(folder)!r} holds no .onnx file and no {_REMOTE}")
    return found


def chosen(registry: Mapping[str, ModelEntry], name: str) -> ModelEntry | None:
    """A model by id or name; None: there is none, or two have this name."""
    if name in registry:
        return registry[name]
    named = [entry for entry in registry.values() if entry.name == name]
    return named[0] if len(named) == 1 else None


def without_folders(text: str, registry: Mapping[str, ModelEntry], *folders: Path) -> str:
    """A message for a client, who learns nothing about the server's folders.

    Args:
        text: the message.
        registry: whose files' folders are left out.
        folders: others that are.
    """
    of_models = {Path(entry.source).parent for entry in registry.values() if "://" not in entry.source}
    for folder in (*folders, *of_models):
        text = text.replace(f"{folder.resolve()}/", "").replace(f"{folder}/", "")
    return text


def _local(path: Path) -> ModelEntry:
    beside = next((one for one in (path.with_suffix(ending) for ending in _DECLARED) if one.is_file()), None)
    digest = sha256_of(path)
    described_as = digest if beside is None else f"{digest}+{sha256_of(beside)}"
    return ModelEntry(digest, path.stem, str(path), None if beside is None else str(beside), described_as)


def _remote(path: Path) -> ModelEntry:
    import yaml  # noqa: PLC0415 - only needed here

    try:
        declared = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, ValueError, OSError) as error:
        raise InputError(f"{path}: not a readable YAML file: {error}") from error
    if not isinstance(declared, dict) or "://" not in str(declared.get("url")) or set(declared) - _FIELDS:
        raise InputError(
            f"{path}: expected 'url: http://host/v2/models/NAME', and where needed 'preprocess' and 'remote'"
        )
    remote, known = declared.get("remote") or {}, {one.name for one in fields(RemoteOptions)}
    if not isinstance(remote, dict) or set(remote) - known:
        raise InputError(f"{path}: 'remote' expects fields of {', '.join(sorted(known))}; got {remote!r}")
    digest = sha256_of(path)
    name = path.name.removesuffix(_REMOTE)
    return ModelEntry(digest, name, str(declared["url"]), declared.get("preprocess"), digest, remote)
