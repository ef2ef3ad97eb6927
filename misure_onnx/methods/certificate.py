"""The certificate: what a binary region does on the deployed model, whatever method found it."""

from collections.abc import Callable, Iterator
from typing import TypeGuard

import cv2
import numpy as np

from misure_onnx.images import LoadedImage, load_image
from misure_onnx.mask import moved
from misure_onnx.methods.base import Attribution
from misure_onnx.methods.blocks import check_blocks
from misure_onnx.methods.sufficiency import Sufficiency
from misure_onnx.methods.task import Task
from misure_onnx.perturbation import BASELINES, blend, make_baseline
from misure_onnx.records import Certificate, Stability
from misure_onnx.segmenter import Identity, LoadedInput
from misure_onnx.types import Images, Region

SHIFT_PIXELS = 2
THRESHOLD_STEP = 0.1
JPEG_QUALITY = 75
BLOCK_CHECKS = 40
"""Forwards for the check of blocks, where the method has not made it itself."""

RANDOM_BASELINES = ("noise", "shuffle")
HELD_OUT_DRAW = 1_000_000


def certify(task: Task, image: LoadedInput, found: Attribution, dice: float) -> Certificate:
    """Runs the deployed model on the region and on variations of it: about 15 images, and the blocks.

    Args:
        task: what was asked.
        image: the picture, for its JPEG version.
        found: the region and what it is meant to do.
        dice: of the region under the method's own baseline, already measured.
    """
    before = task.segmenter.forwards
    worst = dict[str, float]()
    for name, measured in task.dice_of_each(_variations(task, image, found)):
        worst[name] = min(measured, worst.get(name, 1.0))
    by_baseline = {name: dice if name == found.baseline else worst[f"baseline {name}"] for name in BASELINES}
    required = found.required or (found.baseline,)
    passed, minimality = None, found.minimality
    if found.tau is not None:
        passed = min(by_baseline[name] for name in required) > found.tau
        if passed and minimality is None:
            passes = Sufficiency(task, [drawn(task, name) for name in required], found.tau)
            minimality = check_blocks(found.region, passes, BLOCK_CHECKS)
    overlap, by_chance = _second_run(found)
    return Certificate(
        tau=found.tau,
        dice=dice,
        baselines=by_baseline,
        minimal_at_block_px=minimality.block_px if minimality and minimality.shown else None,
        verified_on=_verified_on(task.segmenter.identity),
        required=required,
        passed=passed,
        held_out={name: worst[f"held out {name}"] for name in RANDOM_BASELINES},
        minimality=minimality,
        necessity=worst["necessity"],
        silhouette=worst["silhouette"],
        stability=Stability(
            shift_2px=worst["shift"],
            threshold=worst.get("threshold"),
            jpeg=worst.get("jpeg"),
            second_run_overlap=overlap,
            second_run_by_chance=by_chance,
        ),
        forwards=task.segmenter.forwards - before,
    )


def _variations(task: Task, image: LoadedInput, found: Attribution) -> Iterator[tuple[str, Images]]:
    """What the model is asked; where several have one name, the worst Dice counts."""
    region, own = found.region, make_baseline(found.baseline, task.image, task.rng())

    def through(kept: Region, baseline: Images = own, content: Images = task.image) -> Images:
        return blend(content, kept[None].astype(np.float32), baseline)

    for name in BASELINES:
        if name != found.baseline:
            yield f"baseline {name}", through(region, drawn(task, name))
    for name in RANDOM_BASELINES:
        yield f"held out {name}", through(region, drawn(task, name, HELD_OUT_DRAW))
    yield "necessity", through(~region)
    yield "silhouette", through(region, content=_without_content(task, region))
    for axis in np.eye(region.ndim, dtype=int):
        for pixels in (-SHIFT_PIXELS, SHIFT_PIXELS):
            yield "shift", through(moved(region, (pixels * axis).tolist()))
    if found.threshold is not None:
        for other in _rethresholded(found, found.threshold):
            yield "threshold", through(other)
    if _is_photograph(image):
        yield "jpeg", through(region, content=_jpeg(task.segmenter.prepare, image))


def _verified_on(identity: Identity) -> str:
    if identity.server is not None:
        return f"{identity.server.software or 'a server'} by {identity.server.protocol}"
    return ", ".join(identity.providers_used) or "python function"


def drawn(task: Task, name: str, draw: int = 0) -> Images:
    """A baseline for the task's image; draw 0 is the certificate's own, any other number an independent one."""
    rng = task.rng() if draw == 0 else np.random.default_rng((task.seed, draw))
    return make_baseline(name, task.image, rng)


def _without_content(task: Task, region: Region) -> Images:
    """An image of the region's mean colour: through the region it shows a shape and nothing else."""
    pixels = task.image[0][:, region]
    color = pixels.mean(axis=1) if pixels.size else np.zeros(len(pixels))
    as_image = (1, -1, *[1] * region.ndim)
    return np.broadcast_to(color.reshape(as_image), task.image.shape).astype(np.float32)


def _is_photograph(image: LoadedInput) -> TypeGuard[LoadedImage]:
    """Nobody compresses volumes, measurements or bands with JPEG."""
    return isinstance(image, LoadedImage) and image.photograph


def _rethresholded(found: Attribution, threshold: float) -> list[Region]:
    """The soft mask binarised a little lower and higher, without what was dropped from the region later."""
    dropped = (found.soft_mask > threshold) & ~found.region
    return [(found.soft_mask > threshold + step) & ~dropped for step in (-THRESHOLD_STEP, THRESHOLD_STEP)]


def _jpeg(prepare: Callable[[LoadedImage], Images], image: LoadedImage) -> Images:
    encoded = cv2.imencode(".jpg", image.rgb[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1]
    decoded = np.asarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR), np.uint8)
    return prepare(load_image(np.ascontiguousarray(decoded[..., ::-1])))


def _second_run(found: Attribution) -> tuple[float | None, float | None]:
    if found.second_run is None:
        return None, None
    other, largest = found.second_run
    smaller, larger = sorted((int(found.region.sum()), int(other.sum())))
    if smaller == 0:
        return 1.0, 1.0
    return int((found.region & other).sum()) / smaller, min(1.0, larger / int(largest.sum()))
