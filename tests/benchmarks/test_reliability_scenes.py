"""Spoiled scenes: their truth is the scene's, the first of a group is not spoiled, and a seed repeats them."""

import csv
from pathlib import Path

import numpy as np

from benchmarks.reliability.scenes import DAMAGES, SEVERITIES, write_scenes
from misure_onnx.audit.datasets import load_dataset
from misure_onnx.images import load_image


def test_a_scene_is_a_group_with_one_truth_and_growing_damage(tmp_path: Path) -> None:
    listed = write_scenes(tmp_path / "a", len(DAMAGES))
    with listed.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == SEVERITIES * len(DAMAGES)
    for number in range(len(DAMAGES)):
        group = rows[SEVERITIES * number : SEVERITIES * (number + 1)]
        assert len({(row["group"], row["truth"]) for row in group}) == 1
        assert [row["damage"] for row in group] == ["none", *[list(DAMAGES)[number]] * 3]
        degrees = [float(row["degree"]) for row in group]
        assert degrees == sorted(degrees)
    samples = load_dataset(listed).samples
    truth = samples[0].truth
    assert truth is not None
    picture = load_image(samples[0].files[0]).pixels[..., 0]
    assert (picture[truth.region(1, None, picture.shape)] > 0).mean() > 0.9


def test_the_same_seed_gives_the_same_pictures(tmp_path: Path) -> None:
    for name in "ab":
        write_scenes(tmp_path / name, 1, seed=3)
    one, other = (sorted((tmp_path / name).glob("*.png")) for name in "ab")
    assert all(np.array_equal(load_image(a).pixels, load_image(b).pixels) for a, b in zip(one, other, strict=True))
