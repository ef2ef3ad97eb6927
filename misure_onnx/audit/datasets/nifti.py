"""A folder of NIfTI files: one a volume, or `CASE_0000.nii.gz`, `CASE_0001.nii.gz`, ... one a channel (nnU-Net's way).

Annotations lie beside them as `CASE_mask`, `CASE_seg` or `CASE_label`, or in `labels/`, `labelsTr/` or `labelsTs/`
beside `images/`, `imagesTr/` or `imagesTs/`.
"""

import re
from pathlib import Path

from misure_onnx.audit.datasets.images import files_below, group_below
from misure_onnx.audit.sample import Sample, TruthFile
from misure_onnx.volumes import SUFFIXES, is_volume

_PAIRS = (("images", "labels"), ("imagesTr", "labelsTr"), ("imagesTs", "labelsTs"), ("images", "masks"))
_CHANNEL = re.compile(r"_(\d{4})$")
_ANNOTATION = re.compile(r"_(mask|seg|label)$")


def matches(path: Path) -> bool:
    """A folder with a NIfTI file somewhere in it."""
    return path.is_dir() and any(is_volume(file) for file in path.rglob("*"))


def read(path: Path, images_folder: Path | None) -> list[Sample]:
    """Every volume, with its annotation where it has one."""
    del images_folder
    pair = next(((path / a, path / b) for a, b in _PAIRS if (path / a).is_dir() and (path / b).is_dir()), None)
    folder, annotations = pair or (path, path)
    annotated = [file for file in files_below(annotations, is_volume) if pair or _annotates(file, path)]
    truths = {_ANNOTATION.sub("", _stem(file, annotations)): file for file in annotated}
    cases: dict[str, list[Path]] = {}
    for file in files_below(folder, is_volume):
        if not _annotates(file, folder):
            cases.setdefault(_CHANNEL.sub("", _stem(file, folder)), []).append(file)
    return [_sample(case, files, folder, truths.get(case)) for case, files in cases.items()]


def _stem(file: Path, folder: Path) -> str:
    name = file.relative_to(folder).as_posix()
    return name[: -len(next(end for end in reversed(SUFFIXES) if name.lower().endswith(end)))]


def _annotates(file: Path, folder: Path) -> bool:
    return _ANNOTATION.search(_stem(file, folder)) is not None


def _sample(case: str, files: list[Path], folder: Path, truth: Path | None) -> Sample:
    name = case if len(files) > 1 else files[0].relative_to(folder).as_posix()
    return Sample(name, tuple(files), TruthFile(truth) if truth else None, group_below(files[0], folder))
