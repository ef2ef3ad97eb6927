"""Segmentation networks by library, built with random weights; a library is imported when one of its networks is."""

from benchmarks.coverage.zoo import monai_models, paper_models, smp_models, torchvision_models, transformers_models
from benchmarks.coverage.zoo.model import Model

MODELS: dict[str, Model] = {
    **torchvision_models.MODELS,
    **smp_models.MODELS,
    **transformers_models.MODELS,
    **monai_models.MODELS,
    **paper_models.MODELS,
}
"""library/name -> network."""
