"""Masks in, Dice out: one run of ONNX Runtime blends, predicts and counts."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import onnxruntime as ort

from misure_onnx.backends.session import create_session, first_line
from misure_onnx.errors import ModelError, ProviderError, UnsupportedModel
from misure_onnx.execution_providers import on_cuda
from misure_onnx.graph import scoring
from misure_onnx.graph.load import load_with_weights
from misure_onnx.mask import MaskGrid
from misure_onnx.perturbation import blend
from misure_onnx.target import ResolvedTarget
from misure_onnx.types import FloatArray, Images, Size

if TYPE_CHECKING:
    from misure_onnx.backends.onnx_runtime import OnnxRuntimeSegmenter

_PROBES = 2
_COUNTS = (scoring.BOTH, scoring.FOUND, scoring.CHECK)


class FusedScorer:
    """Hard Dice of a target in an image through masks, counted inside the graph.

    What does not change (image, baseline, target) is handed to the runtime once; a mask costs its own bytes and
    three numbers back, where scores of 21 classes at 512 x 512 cost 22 MB a mask.

    Args:
        segmenter: the deployed model; its providers run the graph.
        image: (1, C, H, W) network input.
        target: resolved on it.
        mask_size: of the masks that will come; None: that of the image.
        allow_cpu_nodes: whether nodes without a kernel on the segmenter's provider may run on the CPU.

    Raises:
        UnsupportedModel: the graph cannot be extended, or does not give the deployed model's answers.
    """

    def __init__(
        self,
        segmenter: "OnnxRuntimeSegmenter",
        image: Images,
        target: ResolvedTarget,
        *,
        mask_size: Size | None = None,
        allow_cpu_nodes: bool = True,
    ) -> None:
        self._input, self._image, self._target = segmenter.input, image, target
        size = image.shape[2:]
        asked = scoring.Scoring(
            segmenter.input,
            segmenter.output,
            target.class_index,
            target.rival,
            size,
            segmenter.output_size(image),
            mask_size or size,
            target.lattices,
        )
        self._at_points = asked.at_points
        graph = scoring.scoring_graph(load_with_weights(segmenter.path), asked)
        used = segmenter.identity.providers_used
        try:
            self._session = create_session(graph, "named", used, allow_cpu_nodes=allow_cpu_nodes)
        except (ModelError, ProviderError) as error:
            raise UnsupportedModel(f"ONNX Runtime cannot run the extended graph: {error}") from error
        self._device = "cuda" if on_cuda(used) else "cpu"
        self._pixels = int(target.region.sum())
        self._fixed = {
            scoring.IMAGE: self._on_device(self._input.in_layout(image)),
            scoring.REGION: self._on_device(target.region[None, None].astype(np.float32)),
            scoring.DOMAIN: self._on_device(target.domain[None, None].astype(np.float32)),
        }
        self._baseline: tuple[Images, ort.OrtValue] | None = None
        self._segmenter = segmenter
        self._takes_batches = segmenter.takes_batches(np.repeat(image, 2, axis=0))
        self._check_answers(asked)

    def dice(self, masks: FloatArray, baseline: Images) -> npt.NDArray[np.float64]:
        """(N,) for masks (N, h, w) in one run (fixed batches: several).

        Raises:
            ModelError: ONNX Runtime failed.
            ModelOutputError: NaN or infinite scores.
        """
        return self._dice(self._outputs(_COUNTS, masks, baseline), masks, baseline)

    def dice_and_leads(self, masks: FloatArray, baseline: Images) -> tuple[npt.NDArray[np.float64], list[FloatArray]]:
        """Dice, and the target's lead (N, 32, 32) at the points of each of its lattices.

        Raises:
            ModelError, ModelOutputError: as `dice`.
        """
        outputs = self._outputs((*_COUNTS, *self._at_points), masks, baseline)
        compared, head = outputs[len(_COUNTS) :], self._segmenter.spec.head
        leads = [head.lead(own, rival) for own, rival in zip(compared[0::2], compared[1::2], strict=True)]
        return self._dice(outputs[: len(_COUNTS)], masks, baseline), leads

    def _dice(self, counts: list[FloatArray], masks: FloatArray, baseline: Images) -> npt.NDArray[np.float64]:
        both, found, check = (count.astype(np.float64) for count in counts)
        if not np.isfinite(check).all():
            return self._outside(masks, baseline)
        total = found + self._pixels
        return np.where(total == 0, 1.0, 2.0 * both / np.maximum(total, 1))

    def _outputs(self, names: Sequence[str], masks: FloatArray, baseline: Images) -> list[FloatArray]:
        """(N, ...) each."""
        step = self._input.batch or (len(masks) if self._takes_batches else 1)
        parts = []
        for start in range(0, len(masks), step):
            some = masks[start : start + step]
            filled = np.concatenate([some, np.repeat(some[-1:], step - len(some), axis=0)])
            parts.append([output[: len(some)] for output in self._run(names, filled, baseline)])
        return [np.concatenate(pieces) for pieces in zip(*parts, strict=True)]

    def _run(self, names: Sequence[str], masks: FloatArray, baseline: Images) -> list[FloatArray]:
        binding = self._session.io_binding()
        for name, value in {**self._fixed, scoring.BASELINE: self._on_device_once(baseline)}.items():
            binding.bind_ortvalue_input(name, value)
        binding.bind_cpu_input(scoring.MASKS, np.ascontiguousarray(masks[:, None], np.float32))
        for name in names:
            binding.bind_output(name)
        try:
            self._session.run_with_iobinding(binding)
        except Exception as error:
            raise ModelError(f"ONNX Runtime could not run the extended graph: {first_line(error)}") from error
        outputs: list[FloatArray] = binding.copy_outputs_to_cpu()
        return outputs

    def _on_device_once(self, baseline: Images) -> ort.OrtValue:
        if self._baseline is None or self._baseline[0] is not baseline:
            self._baseline = baseline, self._on_device(self._input.in_layout(baseline))
        return self._baseline[1]

    def _on_device(self, array: npt.NDArray[Any]) -> ort.OrtValue:
        return ort.OrtValue.ortvalue_from_numpy(np.ascontiguousarray(array), self._device, 0)

    def _outside(self, masks: FloatArray, baseline: Images) -> npt.NDArray[np.float64]:
        """The same by the plain path, which says what is wrong with the scores."""
        scores = self._segmenter.predict(blend(self._image, masks, baseline))
        return self._target.dice(self._target.predicted(scores, self._segmenter.spec.head))

    def _check_answers(self, asked: scoring.Scoring) -> None:
        """Two random masks, outside and inside the graph: what is extended may not change what is answered."""
        masks = np.random.default_rng(0).random((_PROBES, *asked.mask_size), np.float32)
        grid = MaskGrid(asked.mask_size, asked.size)
        baseline = np.zeros_like(self._image)
        inside = self.dice(masks, baseline)
        outside = self._outside(np.stack([grid.upsample(mask) for mask in masks]), baseline)
        if not np.allclose(inside, outside, atol=1e-3):
            raise UnsupportedModel(f"the extended graph gives Dice {inside} where the deployed model gives {outside}")
