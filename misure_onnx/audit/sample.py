"""One image of a data set: where it lies, what it is called, and where its objects really are."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from misure_onnx.errors import ImageError
from misure_onnx.file_hash import sha256_of
from misure_onnx.ground_truth import load_truth
from misure_onnx.sizes import width_first
from misure_onnx.types import Region, Size


class Truth(Protocol):
    """An annotation that is read when it is needed."""

    def digest(self) -> str:
        """A text that changes when the annotation does."""

    def region(self, class_index: int, class_name: str | None, size: Size) -> Region:
        """(H, W) the pixels of a class, at the image's size.

        Raises:
            ImageError: the annotation cannot be read, or has another size.
        """


@dataclass(frozen=True)
class TruthFile:
    """A mask, or a map of class indices, in a file; see `GroundTruth`."""

    path: Path

    def digest(self) -> str:
        """SHA-256 of the file; of an unreadable one, that it is."""
        return files_digest((self.path,)) or "unreadable"

    def region(self, class_index: int, class_name: str | None, size: Size) -> Region:
        """As `Truth.region`."""
        del class_name
        truth = load_truth(self.path)  # kept nowhere: a data set holds many of these
        if truth.size != size:
            own, wanted = width_first(truth.size), width_first(size)
            raise ImageError(f"ground truth {str(self.path)!r} is {own}, the image {wanted}: they must have one size")
        return truth.region(class_index)


@dataclass(frozen=True)
class Sample:
    """One image or volume.

    Attributes:
        name: what the table calls it: its path below the data set's folder, with slashes.
        files: one; of a volume one or one a channel.
        truth: where its objects really are, if that is known.
        group: images that belong together (a patient, a film): never on both sides of a split.
        class_spec: only this class is asked about, by index or name.
        number: the data set's own number of the image, for exports.
    """

    name: str
    files: tuple[Path, ...]
    truth: Truth | None = None
    group: str | None = None
    class_spec: str | None = None
    number: int | None = None


def files_digest(files: tuple[Path, ...]) -> str | None:
    """SHA-256 of the bytes of all files together, as a loaded image or volume has it; None where one is unreadable."""
    try:
        return sha256_of(*files)
    except OSError:
        return None
