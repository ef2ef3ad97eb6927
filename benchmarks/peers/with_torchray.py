"""TorchRay: RISE and extremal perturbation. Measured here and used nowhere: its licence is CC-BY-NC."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn
from torchray.attribution.extremal_perturbation import extremal_perturbation
from torchray.attribution.rise import rise

from benchmarks.peers.job import Array, Job, Scored, answer, the_job
from benchmarks.peers.torch_original import Original

_NEAREST = 1e-6


class SoftDice(nn.Module):
    """What extremal perturbation asks for: a module."""

    def __init__(self, original: Original) -> None:
        super().__init__()
        self.network, self._of = original.network, original.soft_dice

    def forward(self, images: Tensor) -> Tensor:
        """(N, 2)."""
        return self._of(images)


def main() -> None:
    """The mode is `rise-callable`, `rise-torch` or `extremal`."""
    job, mode = the_job()
    torch.set_num_threads(1)
    torch.manual_seed(job.seed)
    if mode == "rise-callable":
        scored = Scored(job)
        score = _of_arrays(scored)
        answer("torchray", lambda: _rise(score, job), scored.bare, scored.count)
        return
    original = Original(job)
    if mode == "rise-torch":
        answer("torchray", lambda: _rise(original.soft_dice, job), original.forward, original.count)
        return
    module, share = SoftDice(original), job.area / job.region.size

    def explain() -> Array:
        found, _ = extremal_perturbation(
            module, original.image, 0, areas=[share], max_iter=job.steps, perturbation="fade"
        )
        return np.asarray(found[0, 0])

    answer("torchray", explain, original.forward_and_backward, original.count, bare_forwards=16)


def _of_arrays(scored: Scored) -> Callable[[Tensor], Tensor]:
    return lambda images: torch.from_numpy(scored(images.numpy()))


def _rise(score: Callable[[Tensor], Tensor], job: Job) -> Array:
    """It applies a sigmoid to what a model says, so that it gets the logit of the score."""
    with torch.no_grad():
        found = rise(
            lambda images: torch.logit(score(images), _NEAREST),
            torch.from_numpy(job.image),
            num_masks=job.masks,
            num_cells=job.cells,
            batch_size=job.batch,
            seed=job.seed,
        )
    return np.asarray(found[0, 0])


if __name__ == "__main__":
    main()
