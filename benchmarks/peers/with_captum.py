"""Captum: perturbations of a function around ONNX Runtime, and gradients through the network in torch."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from captum.attr import FeatureAblation, KernelShap, LayerGradCam, NoiseTunnel, Occlusion, Saliency
from torch import Tensor

from benchmarks.peers.job import Array, Job, Scored, answer, the_job
from benchmarks.peers.torch_original import Original, enlarged


def main() -> None:
    """The mode names the method."""
    job, mode = the_job()
    torch.set_num_threads(1)
    torch.manual_seed(job.seed)
    np.random.seed(job.seed)  # noqa: NPY002 - what it draws from
    if mode in ("layer_grad_cam", "saliency", "smooth_grad"):
        original = Original(job)
        gradients = {"layer_grad_cam": _cam, "saliency": _saliency, "smooth_grad": _smooth_grad}
        explain = gradients[mode](job, original)
        answer("captum", explain, original.forward_and_backward, original.count, bare_forwards=16)
        return
    scored = Scored(job)
    answer("captum", _perturbed(job, mode, scored), scored.bare, scored.count)


def _perturbed(job: Job, mode: str, scored: Scored) -> Callable[[], Array]:
    def score(images: Tensor) -> Tensor:
        return torch.from_numpy(scored(images.numpy()))

    image = torch.from_numpy(job.image)
    parts = torch.from_numpy(job.superpixels)[None, None]
    channels = job.image.shape[1]
    asked: dict[str, dict[str, Any]] = {
        "occlusion": {
            "sliding_window_shapes": (channels, job.patch, job.patch),
            "strides": (channels, job.stride, job.stride),
        },
        "kernel_shap": {"feature_mask": parts, "n_samples": job.budget},
        "feature_ablation": {"feature_mask": parts},
    }
    method = {"occlusion": Occlusion, "kernel_shap": KernelShap, "feature_ablation": FeatureAblation}[mode](score)

    def explain() -> Array:
        with torch.no_grad():
            found = method.attribute(image, baselines=0, target=0, perturbations_per_eval=job.batch, **asked[mode])
        return np.asarray(found[0, 0])

    return explain


def _cam(job: Job, original: Original) -> Callable[[], Array]:
    method = LayerGradCam(original.mean_score, original.layer)

    def explain() -> Array:
        coarse = method.attribute(original.image, target=0, relu_attributions=False)
        return np.maximum(enlarged(coarse[0, 0], job), 0)

    return explain


def _saliency(job: Job, original: Original) -> Callable[[], Array]:
    del job
    method = Saliency(original.mean_score)
    return lambda: np.asarray(method.attribute(original.image.requires_grad_(), target=0)[0].amax(dim=0))


def _smooth_grad(job: Job, original: Original) -> Callable[[], Array]:
    method = NoiseTunnel(Saliency(original.mean_score))
    deviation = job.noise * float(np.ptp(job.image))

    def explain() -> Array:
        found = method.attribute(
            original.image,
            nt_type="smoothgrad",
            nt_samples=job.noisy,
            nt_samples_batch_size=1,
            stdevs=deviation,
            target=0,
            abs=False,
        )
        return np.asarray(found[0].sum(dim=0))

    return explain


if __name__ == "__main__":
    main()
