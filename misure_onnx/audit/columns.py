"""The columns of an audit's table: what `docs/audit.md` lists and `audit.parquet` has."""

from dataclasses import dataclass
from typing import Any, Literal

from misure_onnx.segmenter import class_label

SCHEMA = "misure-onnx/audit/1"
"""Of the table, in its metadata; the number rises when a column changes its meaning or disappears."""

SCHEMA_VERSION = 1

Kind = Literal["text", "whole", "number", "yes_no", "texts", "wholes", "numbers", "numbers_by_name"]


@dataclass(frozen=True)
class Column:
    """A column: what kind of values it has, and what they mean."""

    kind: Kind
    meaning: str


COLUMNS: dict[str, Column] = {
    "schema_version": Column("whole", "of this table: 1"),
    "image": Column("text", "the image's path in the data set"),
    "image_sha256": Column("text", "of the file's bytes; empty where it could not be read"),
    "image_number": Column("whole", "the data set's own number, where it has one (COCO)"),
    "group": Column("text", "images that belong together (a patient): the manifest's, or the first sub-folder"),
    "size": Column("wholes", "height, width; of a volume the voxels along the file's axes"),
    "class_index": Column("whole", "the class; empty where the image failed before one was known"),
    "class_name": Column("text", "its declared name"),
    "object": Column("whole", "which of the image's objects, 1 = the largest; 0 = the class as a whole"),
    "pixels": Column("whole", "area of the prediction, at the image's size"),
    "area_share": Column("number", "the same over the area of the image"),
    "centroid": Column("numbers", "x, y (z) of the prediction's centre"),
    "method": Column("text", "the method's name"),
    "preset": Column("text", "its preset, where the parameters are one's"),
    "parameters": Column("text", "all its parameters, as JSON"),
    "seed": Column("whole", "of every random choice"),
    "status": Column(
        "text",
        "ok, saturated, not_sufficient, uninformative (as in explanation.json), not_predicted, nothing_predicted, "
        "over_budget, failed",
    ),
    "error": Column("text", "why there is no explanation; empty where there is one"),
    "dice_explained": Column("number", "Dice with which the model finds the object again in the region alone"),
    "dice_explained_soft": Column("number", "the same for the soft mask"),
    "perturbation_ratio": Column("number", "area of the region over area of the object"),
    "dilations": Column("whole", "until the sufficient region was found, where the method has one"),
    "sufficient_dice": Column("number", "Dice of the sufficient region"),
    "sufficient_ratio": Column("number", "its area over the object's"),
    "tau": Column("number", "Dice that the region is meant to exceed"),
    "passed": Column("yes_no", "whether it does, on the deployed model"),
    "dice_zero": Column("number", "Dice of the binary region when removed pixels become zero"),
    "dice_mean": Column("number", "... become each channel's mean"),
    "dice_blur": Column("number", "... are blurred"),
    "dice_noise": Column("number", "... become noise"),
    "dice_shuffle": Column("number", "... are shuffled"),
    "necessity": Column("number", "Dice when the region alone is removed: low = it is needed"),
    "silhouette": Column("number", "Dice when the region is filled with one colour: high = its shape gives it away"),
    "stability_shift": Column("number", "Dice of the region moved by 2 pixels, the worst of all sides"),
    "stability_jpeg": Column("number", "Dice on the picture saved as JPEG"),
    "second_run_overlap": Column("number", "overlap with the region of another run"),
    "minimal_at_block_px": Column("whole", "no block of this side can be left out; empty: not shown"),
    "predicted_mask_dice": Column("number", "Dice explained of the predicted object itself: a yardstick"),
    "random_mask_dice": Column("number", "Dice explained of as many random pixels: a yardstick"),
    "outside_share": Column("number", "of the region, what lies outside the prediction: reliance on context"),
    "boundary_share": Column("number", "of the region, what lies near the prediction's border, on either side"),
    "interior_share": Column("number", "of the region, what lies inside the prediction, away from its border"),
    "outside_distance": Column("number", "mean distance of the region's outer pixels from the object, in its sides"),
    "mean_max_probability": Column(
        "number", "the model's confidence: of the likeliest class, mean over the prediction"
    ),
    "mean_entropy": Column("number", "the model's doubt: entropy over log(classes), mean over the prediction"),
    "truth_pixels": Column("whole", "area of the ground truth of the class; empty where there is none"),
    "dice_truth": Column(
        "number", "Dice of prediction and ground truth; of an object, with the true objects that it touches"
    ),
    "metrics": Column("numbers_by_name", "further metrics that were asked for"),
    "prediction_rle": Column("text", "the prediction as COCO run lengths (counts; `size` is the column size)"),
    "sufficient_region_rle": Column("text", "the sufficient region, the same way"),
    "minimal_region_rle": Column("text", "the minimal region, the same way"),
    "saliency": Column("text", "file of the map, below the audit's folder"),
    "saliency_low": Column("number", "raw value of black in an 8-bit map"),
    "saliency_high": Column("number", "raw value of white in an 8-bit map"),
    "gradient_route": Column("text", "where gradients came from"),
    "forwards": Column("whole", "images predicted"),
    "backwards": Column("whole", "gradients taken"),
    "notes": Column("texts", "what was assumed or chosen for the user"),
    "seconds": Column("number", "wall time: the one column that differs between two runs"),
}

Row = dict[str, Any]
"""A value a column; columns that are left out are empty."""


def label_of(row: Row) -> str:
    """The class's name, or "class 3"."""
    return class_label(row["class_index"], row["class_name"])


def group_of(row: Row) -> str:
    """The images that a row's belongs to, which intervals draw as a whole; its own name where it stands alone."""
    group: str = row["group"] or row["image"]
    return group
