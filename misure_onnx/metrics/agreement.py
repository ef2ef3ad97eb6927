"""Whether two rows of numbers, or two maps, put the same things into the same order."""

import numpy as np
import numpy.typing as npt

from misure_onnx.types import SaliencyMap


def spearman(first: npt.NDArray[np.floating], second: npt.NDArray[np.floating]) -> float | None:
    """Spearman's rank correlation of two arrays of one shape, in [-1, 1]; equal values share their mean rank.

    What is constant has no order: None where one of the two is, or holds fewer than two numbers.
    """
    from scipy.stats import rankdata  # noqa: PLC0415 - the command line must start fast

    mean = (first.size + 1) / 2
    one, other = (rankdata(values.ravel()) - mean for values in (first, second))
    spread = float(np.sqrt((one @ one) * (other @ other)))
    return float(np.clip(one @ other / spread, -1, 1)) if spread > 0 else None


def map_agreement(first: SaliencyMap, second: SaliencyMap) -> float:
    """Spearman's rank correlation of two maps over their pixels, for metrics that must give a number.

    Two constant maps say the same: 1. A constant one beside another that is not: 0.
    """
    if np.array_equal(first, second):
        return 1.0  # without ranking
    correlation = spearman(first, second)
    return float(np.ptp(first) == np.ptp(second)) if correlation is None else correlation
