"""The keys that `explanation.json` and `--json` promise."""

from typing import Any

KEYS: dict[str, set[str]] = {
    "method": {"name", "preset", "parameters"},
    "target": {"class_index", "class_name", "kind", "pixels", "centroid_xy", "against"},
    "metrics": {
        "dice_explained",
        "dice_explained_soft",
        "perturbation_ratio",
        "sufficient_region",
        "predicted_mask",
        "random_mask",
        "sampling_error",
        "more",
    },
    "certificate": {
        "tau",
        "dice",
        "baselines",
        "minimal_at_block_px",
        "verified_on",
        "required",
        "passed",
        "held_out",
        "minimality",
        "necessity",
        "silhouette",
        "stability",
        "forwards",
    },
    "cost": {"forwards", "backwards", "seconds"},
    "provenance": {
        "model_sha256",
        "input_sha256",
        "opset",
        "providers_requested",
        "providers_used",
        "gradient_route",
        "gradient_fidelity",
        "versions",
        "seed",
        "status",
        "notes",
        "server",
    },
}


def assert_complete(document: dict[str, Any]) -> None:
    """Every key of schema 1, and no other."""
    assert document["schema"] == "misure-onnx/explanation/1"
    assert set(document) == {"schema", *KEYS, "alternatives", "channels"}
    for section, keys in KEYS.items():
        assert set(document[section]) == keys
