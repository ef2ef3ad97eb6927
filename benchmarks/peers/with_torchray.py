"""TorchRay: RISE and extremal perturbation. Measured here and used nowhere: its licence is CC-BY-NC."""

import numpy as np
import torch
from torch import Tensor, nn
from torchray.attribution.extremal_perturbation import extremal_perturbation
from torchray.attribution.rise import rise

from benchmarks.peers.job import Array, Scored, answer, the_job
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
    image = torch.from_numpy(job.image)
    scored, original = Scored(job), Original(job) if job.weights else None

    def model(images: Tensor) -> Tensor:
        """It applies a sigmoid to what a model says, so that it gets the logit of the score."""
        found = torch.from_numpy(scored(images.numpy())) if mode == "rise-callable" else original.soft_dice(images)
        return torch.logit(found, _NEAREST)

    def explain() -> Array:
        if mode == "extremal":
            share = job.area / job.region.size
            found, _ = extremal_perturbation(
                SoftDice(original), image, 0, areas=[share], max_iter=job.steps, perturbation="fade"
            )
            return np.asarray(found[0, 0])
        with torch.no_grad():
            found = rise(model, image, num_masks=job.masks, num_cells=job.cells, batch_size=job.batch, seed=job.seed)
        return np.asarray(found[0, 0])

    if mode == "rise-callable":
        answer("torchray", explain, scored.bare, scored.count)
    elif mode == "rise-torch":
        answer("torchray", explain, original.forward, original.count)
    else:
        answer("torchray", explain, original.forward_and_backward, original.count, bare_forwards=16)


if __name__ == "__main__":
    main()
