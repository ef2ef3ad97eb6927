"""Rows of a table as an audit writes them, with a truth that is known."""

from typing import Any

import numpy as np


def rows(
    patients: int = 30, each: int = 4, *, seed: int = 0, says: float = 2.0, label: str | None = "liver"
) -> list[dict[str, Any]]:
    """Predictions of which about half are right (Dice 0.95 or 0.5).

    Args:
        patients: groups.
        each: predictions a group.
        seed: of all numbers.
        says: how much higher Dice explained is for right ones, in standard deviations. The dilations are noise, and the
            ratio names the patient: what is learned from it does not hold for others.
        label: of the class.
    """
    rng = np.random.default_rng(seed)
    found = []
    for patient in range(patients):
        mostly_right = rng.random() < 0.5
        for number in range(each):
            right = bool(rng.random() < (0.8 if mostly_right else 0.2))
            found.append(
                {
                    "image": f"{patient}-{number}.png",
                    "group": f"patient {patient}",
                    "class_index": 1,
                    "class_name": label,
                    "object": 0,
                    "method": "misure",
                    "error": None,
                    "dice_truth": 0.95 if right else 0.5,
                    "dilations": int(rng.integers(0, 9)),
                    "dice_explained": 0.9 + 0.02 * says * right + 0.02 * rng.normal(),
                    "perturbation_ratio": patient + 0.01 * rng.random(),
                    "mean_max_probability": 0.8 + 0.1 * rng.random(),
                    "mean_entropy": rng.random(),
                    **dict.fromkeys(_OTHERS),
                }
            )
    return found


_OTHERS = (
    "dice_explained_soft", "sufficient_ratio", "area_share", "dice_mean", "dice_blur", "dice_noise", "dice_shuffle",
    "necessity", "silhouette", "stability_shift", "outside_share", "boundary_share", "outside_distance",
)  # fmt: skip
