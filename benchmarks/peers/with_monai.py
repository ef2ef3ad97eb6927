"""MONAI's occlusion sensitivity of a module around one session of ONNX Runtime."""

import numpy as np
import torch
from monai.visualize.occlusion_sensitivity import OcclusionSensitivity
from torch import Tensor, nn

from benchmarks.peers.job import Array, Scored, answer, the_job


class Module(nn.Module):
    """What MONAI asks for: a module."""

    def __init__(self, scored: Scored) -> None:
        super().__init__()
        self._scored = scored

    def forward(self, images: Tensor) -> Tensor:
        """(N, 2)."""
        return torch.from_numpy(self._scored(images.numpy()))


def main() -> None:
    """The map is the score without the patch, so that its negative is compared."""
    job, _ = the_job()
    torch.set_num_threads(1)
    scored = Scored(job)
    method = OcclusionSensitivity(
        nn_module=Module(scored),
        mask_size=job.patch,
        overlap=1 - job.stride / job.patch,
        mode=0.0,
        n_batch=job.batch,
        activate=False,
        verbose=False,
    )

    def explain() -> Array:
        found, _ = method(torch.from_numpy(job.image))
        return -np.asarray(found[0, 0])

    answer("monai", explain, scored.bare, scored.count)


if __name__ == "__main__":
    main()
