"""Whether a map depends on what the model has learned (Adebayo et al. 2018)."""

from dataclasses import dataclass
from typing import ClassVar

from misure_onnx.errors import MisureError, require
from misure_onnx.metrics.agreement import map_agreement
from misure_onnx.metrics.base import Measured, Rerun, RerunMetric
from misure_onnx.segmenter import Randomisable


@dataclass(frozen=True)
class Randomisation(RerunMetric):
    """Spearman correlation of the map with that of the model whose weights have been permuted; near 0 is good.

    Weights are permuted inside each tensor, cascading from the output: the last 1 / steps of the layers, then the
    last 2 / steps, at last all. The target stays the original prediction: otherwise maps would change merely because
    another region is asked about. The value is the absolute correlation once all layers are random.

    Attributes:
        steps: of the cascade; the method is run once for each.
    """

    summary: ClassVar[str] = "Spearman correlation with the map of the same model with random weights (absolute)"
    higher_is_better: ClassVar[bool] = False
    unit: ClassVar[str] = "Spearman correlation"
    source: ClassVar[str] = "Adebayo et al. 2018 (sanity checks), cascading randomisation"

    steps: int = 4

    def __post_init__(self) -> None:
        require(self.steps >= 1, f"steps must be at least 1, got {self.steps}")

    def measure(self, rerun: Rerun) -> Measured:
        """In [0, 1]; the details hold the signed correlation after every step."""
        if not isinstance(rerun.segmenter, Randomisable):
            return Measured(None, {"reason": "only an ONNX file has weights that can be permuted"})
        shares = [step / self.steps for step in range(1, self.steps + 1)]
        correlations = []
        try:
            for share in shares:
                with rerun.segmenter.randomised(share, rerun.seed) as random:
                    correlations.append(map_agreement(rerun.saliency, rerun.explain(segmenter=random)))
        except MisureError as error:  # no weights, or scores that no explanation can be made of
            return Measured(None, {"reason": f"the randomised model cannot be explained: {error}"})
        return Measured(abs(correlations[-1]), {"share_of_layers": shares, "correlation": correlations})
