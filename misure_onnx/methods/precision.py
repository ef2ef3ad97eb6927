"""What a model that computes with fewer bits than its file says changes on the image at hand."""

from misure_onnx.methods.task import Task
from misure_onnx.overlap import hard_dice
from misure_onnx.segmenter import ReducedPrecision


def precision_notes(task: Task) -> tuple[str, ...]:
    """The Dice between what both find of the target's class; nothing where the model has all bits."""
    deployed = task.segmenter.segmenter
    exact = deployed.full_precision() if isinstance(deployed, ReducedPrecision) else None
    if exact is None:
        return ()
    target = task.target
    found, expected = (target.predicted(one.predict(task.image), one.spec.head)[0] for one in (deployed, exact))
    dice = float(hard_dice(found & target.domain, expected & target.domain))
    note = "the model computed with fewer bits than its file says: on this image the Dice of what it finds with what"
    return (f"{note} it finds in float32 is {dice:.6f} (difference {1 - dice:.1e})",)
