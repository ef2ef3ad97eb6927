"""Whether two maps put the pixels into the same order."""

import numpy as np

from misure_onnx.types import SaliencyMap


def spearman(first: SaliencyMap, second: SaliencyMap) -> float:
    """Spearman's rank correlation over pixels, in [-1, 1]; equal values share their mean rank.

    Where a map is constant it has no order: 1 if both are, 0 if one is.
    """
    constant = [float(np.ptp(saliency)) == 0 for saliency in (first, second)]
    if any(constant):
        return float(all(constant))
    if np.array_equal(first, second):
        return 1.0
    from scipy.stats import rankdata  # noqa: PLC0415 - the command line must start fast

    ranks = [rankdata(saliency.ravel()) for saliency in (first, second)]
    return float(np.corrcoef(ranks[0], ranks[1])[0, 1])
