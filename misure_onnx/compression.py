"""Exemplar compression: what the model needs stays sharper than the rest, and the deployed model confirms it.

After Gipiskis (and Luo et al. 2023 on exemplars of class-incremental learning): pixels outside the region that
explains a prediction are downsampled. Whether that saves anything is measured, not assumed: beside it stand the
smallest plain JPEG and the smallest uniformly downsampled JPEG with which the model still finds the object.
"""

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from misure_onnx.errors import ImageError, ParameterError
from misure_onnx.explanation import Explanation
from misure_onnx.images import ImageLike, LoadedImage, load_image
from misure_onnx.methods.remeasure import target_of
from misure_onnx.segmenter import CountingSegmenter, Segmenter
from misure_onnx.types import Region

Scheme: TypeAlias = Literal["exemplar", "jpeg", "uniform"]
RegionName: TypeAlias = Literal["minimal", "sufficient"]

QUALITIES = (5, 10, 20, 30, 40, 50, 60, 75, 90)
FACTORS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32)
OUTSIDE = (2, 4, 8)

_Pixels: TypeAlias = npt.NDArray[np.uint8]
_Candidate: TypeAlias = tuple[int, int, _Pixels]


@dataclass(frozen=True, eq=False)
class Encoded:
    """An image as bytes, and what the model makes of it.

    Attributes:
        scheme: `exemplar` (coarse outside the region), `uniform` (coarse everywhere) or `jpeg` (all pixels).
        quality: of the JPEG encoder, 1 to 95.
        factor: how much coarser than the original the file's pixels are, along each side; 1 for `jpeg`.
        outside_factor: the same for what lies outside the region; of the other schemes `factor` again.
        content: the JPEG file, of an image that is smaller by `factor`.
        dice: Dice of the prediction on the decoded image against the one on the original, for the target.
    """

    scheme: Scheme
    quality: int
    factor: int
    outside_factor: int
    content: bytes
    dice: float

    def to_json(self) -> dict[str, Any]:
        """Everything but the bytes themselves, whose number is given."""
        names = ("quality", "factor", "outside_factor", "dice")
        return {"bytes": len(self.content), **{name: getattr(self, name) for name in names}}


@dataclass(frozen=True, eq=False)
class Compression:
    """The smallest encoding of each scheme with which the model still finds the object.

    Attributes:
        best: by scheme; None where no encoding passes.
        tau: Dice that was asked for.
        region_share: share of the image that stays sharper.
        forwards: images predicted.
    """

    best: Mapping[Scheme, Encoded | None]
    tau: float
    region_share: float
    forwards: int

    def to_json(self) -> dict[str, Any]:
        """A document of numbers, `bytes_saved` as shares of what the other schemes need at the same Dice."""
        own = self.best["exemplar"]
        saved = {
            name: None if own is None or other is None else 1 - len(own.content) / len(other.content)
            for name, other in self.best.items()
            if name != "exemplar"
        }
        return {
            "schema": "misure-onnx/compression/1",
            "tau": self.tau,
            "region_share": self.region_share,
            "schemes": {name: None if found is None else found.to_json() for name, found in self.best.items()},
            "bytes_saved": saved,
            "forwards": self.forwards,
        }


def compress(
    explanation: Explanation,
    segmenter: Segmenter,
    image: ImageLike,
    *,
    region: RegionName = "minimal",
    tau: float = 0.9,
) -> Compression:
    """The smallest file from which the deployed model still finds what was explained.

    The picture is made smaller by each of `FACTORS`, of an exemplar its outside coarser still by each of `OUTSIDE`, and
    encoded with each of `QUALITIES`. Encodings are judged from the smallest file on until one passes, so that the one
    found is the smallest of its scheme.

    Args:
        explanation: of the object, made with this model and image.
        segmenter: the deployed model.
        image: 8 bits, grey or RGB.
        region: what stays sharper.
        tau: Dice that must be exceeded.

    Raises:
        ParameterError: tau out of range, or the explanation has no such region.
        ImageError: the image is no 8-bit grey or RGB picture.
        InputError: the explanation was made with another model or image.
    """
    if not 0 < tau < 1:
        raise ParameterError(f"tau must lie between 0 and 1, got {tau}")
    sharp = explanation.minimal_region if region == "minimal" else explanation.sufficient_region
    if sharp is None:
        raise ParameterError(f"{explanation.method.name} has no {region} region: take minimal, or the method misure")
    loaded = load_image(image)
    if loaded.pixels.dtype != np.uint8 or loaded.pixels.shape[2] not in (1, 3):
        raise ImageError(
            f"compression takes 8-bit grey or RGB pictures, got {loaded.pixels.shape[2]} channels of "
            f"{loaded.pixels.dtype}"
        )
    judge = _Judge(explanation, segmenter, loaded)
    candidates: dict[Scheme, Iterator[_Candidate]] = {
        "exemplar": _exemplars(loaded.pixels, sharp),
        "jpeg": iter([(1, 1, loaded.pixels)]),
        "uniform": ((factor, factor, _smaller(loaded.pixels, factor)) for factor in FACTORS[1:]),
    }
    best = {scheme: judge.smallest(scheme, made, tau) for scheme, made in candidates.items()}
    return Compression(best, tau, float(sharp.mean()), judge.segmenter.forwards)


class _Judge:
    """Decodes what was encoded and asks the deployed model for the object."""

    def __init__(self, explanation: Explanation, segmenter: Segmenter, image: LoadedImage) -> None:
        self.segmenter = CountingSegmenter(segmenter)
        self._size = image.size
        self._target = target_of(explanation, self.segmenter, image)

    def smallest(self, scheme: Scheme, candidates: Iterator[_Candidate], tau: float) -> Encoded | None:
        """The first of the encodings, by size, whose Dice exceeds tau."""
        encoded = [
            (_jpeg(pixels, quality), quality, factor, outside)
            for factor, outside, pixels in candidates
            for quality in QUALITIES
        ]
        for content, quality, factor, outside in sorted(encoded, key=lambda one: len(one[0])):
            dice = self._dice(content)
            if dice > tau:
                return Encoded(scheme, quality, factor, outside, content, dice)
        return None

    def _dice(self, content: bytes) -> float:
        decoded = np.asarray(Image.open(io.BytesIO(content)))
        pixels = _resized(decoded if decoded.ndim == 3 else decoded[..., None], self._size)
        scores = self.segmenter.predict(self.segmenter.prepare(load_image(pixels)))
        return float(self._target.dice(self._target.predicted(scores, self.segmenter.spec.head))[0])


def _exemplars(pixels: _Pixels, sharp: Region) -> Iterator[_Candidate]:
    """The region as coarse as the file, the rest coarser; a pixel of the file is sharp if any of its pixels is."""
    for factor in FACTORS:
        small = _smaller(pixels, factor)
        inside = _smaller(255 * sharp.astype(np.uint8)[..., None], factor) > 0
        for further in OUTSIDE:
            coarse = _resized(_smaller(small, further), small.shape[:2])
            yield factor, factor * further, np.where(inside, small, coarse)


def _smaller(pixels: _Pixels, factor: int) -> _Pixels:
    height, width = (max(1, round(extent / factor)) for extent in pixels.shape[:2])
    small = cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA)
    return np.asarray(small.reshape(height, width, -1), np.uint8)


def _resized(pixels: _Pixels, size: tuple[int, ...]) -> _Pixels:
    if pixels.shape[:2] == size:
        return pixels
    large = cv2.resize(pixels, (size[1], size[0]), interpolation=cv2.INTER_LINEAR)
    return np.asarray(large.reshape(*size, -1), np.uint8)


def _jpeg(pixels: _Pixels, quality: int) -> bytes:
    buffer = io.BytesIO()
    picture = Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)
    picture.save(buffer, "JPEG", quality=quality, optimize=True)
    return buffer.getvalue()
