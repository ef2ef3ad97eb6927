"""pytorch-grad-cam on the network in torch."""

import numpy as np
from pytorch_grad_cam import GradCAM, HiResCAM
from pytorch_grad_cam.utils.model_targets import SemanticSegmentationTarget

from benchmarks.peers.job import Array, answer, the_job
from benchmarks.peers.torch_original import Original


def main() -> None:
    """The mode is `grad_cam` or `hires_cam`; the map comes back scaled to [0, 1]."""
    job, mode = the_job()
    original = Original(job)
    target = SemanticSegmentationTarget(job.class_index, job.region.astype(np.float32))
    kind = {"grad_cam": GradCAM, "hires_cam": HiResCAM}[mode]

    def explain() -> Array:
        with kind(model=original.network, target_layers=[original.layer]) as method:
            return np.asarray(method(input_tensor=original.image, targets=[target])[0])

    answer("grad-cam", explain, original.forward_and_backward, original.count, bare_forwards=16)


if __name__ == "__main__":
    main()
