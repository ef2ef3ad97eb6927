"""Several explanations of one image, which share forwards."""

from collections.abc import Iterator, Sequence
from typing import Any

from misure_onnx.explanation import Explanation
from misure_onnx.images import ImageLike
from misure_onnx.methods.base import Method
from misure_onnx.methods.shared_answers import SharedAnswers
from misure_onnx.segmenter import Segmenter, load_input
from misure_onnx.target import ResolvedTarget, Target
from misure_onnx.volumes import VolumeLike


def explain_all(
    methods: Sequence[Method],
    segmenter: Segmenter,
    image: ImageLike | VolumeLike,
    targets: Sequence[Target | ResolvedTarget],
    **options: Any,
) -> Iterator[Explanation]:
    """Several targets of one image by several methods; targets outermost, one explanation at a time.

    Targets that are resolved (as `every_object` gives them) share forwards: masks that do not depend on the target,
    those of RISE, occlusion, KernelSHAP and LIME, are asked about once, for all of them. The explanations are those
    that `Method.explain` gives; their cost counts the forwards that were run for them, and a note says how many masks
    needed none.

    Args:
        methods: in this order for each target.
        segmenter: the deployed model.
        image: the image or volume.
        targets: what is explained.
        options: as for `Method.explain`.

    Raises:
        MisureError: as `Method.explain`.
    """
    loaded = load_input(image)
    resolved = [target for target in targets if isinstance(target, ResolvedTarget)]
    shared = SharedAnswers(resolved) if len(resolved) > 1 else None
    for target in targets:
        for method in methods:
            yield method.explain(segmenter, loaded, target, shared=shared, **options)
