"""The certificate against cases known by hand, and against numpy alone."""

import dataclasses
from pathlib import Path

import cv2
import numpy as np
import pytest

from misure_onnx.images import load_image
from misure_onnx.methods.base import Attribution
from misure_onnx.methods.certificate import certify, drawn
from misure_onnx.methods.task import Task
from misure_onnx.perturbation import BASELINES
from misure_onnx.records import Certificate, Minimality
from misure_onnx.segmenter import CountingSegmenter, Identity, Server
from misure_onnx.types import Region
from tests.methods.asked import task_on
from tests.tiny_models import disc_image, key_region, noise_image, small_network

DISC = disc_image(radius=7)


def certificate(task: Task, picture: np.ndarray[tuple[int, ...], np.dtype[np.uint8]], region: Region) -> Certificate:
    found = Attribution(region.astype(np.float32), region.astype(np.float32), region, tau=0.9)
    return certified(task, picture, found)


def certified(task: Task, picture: np.ndarray[tuple[int, ...], np.dtype[np.uint8]], found: Attribution) -> Certificate:
    return certify(task, load_image(picture), found, float(task.dice_in(task.image * found.region)[0]))


def slow_dice(found: Region, wanted: Region) -> float:
    return float(2 * (found & wanted).sum() / (found.sum() + wanted.sum()))


def test_where_every_pixel_decides_for_itself_each_number_is_known(bright_pixels: Path) -> None:
    task, disc = task_on(bright_pixels, DISC), DISC > 0
    made = certificate(task, DISC, disc)
    assert made.passed
    assert made.required == ("zero",)
    assert made.dice == 1
    assert list(made.baselines) == list(BASELINES)
    assert made.necessity == 0  # without the disc nothing is bright
    assert made.silhouette == 1  # its mean colour is white
    moved = np.zeros_like(disc)
    moved[2:] = disc[:-2]
    assert made.stability.shift_2px == pytest.approx(min(slow_dice(moved & disc, disc), 1), abs=0.02)
    assert made.stability.threshold is None
    assert made.stability.second_run_overlap is None
    assert made.forwards == 4 + 2 + 3 + 4 + (made.minimality.checked if made.minimality else 0)


def test_a_region_with_a_block_too_many_is_not_called_minimal(bright_pixels: Path) -> None:
    made = certificate(task_on(bright_pixels, DISC), DISC, np.ones_like(DISC, bool))
    assert made.minimality is not None
    assert made.minimality.removable == 1
    assert made.minimal_at_block_px is None


def test_one_pixel_of_its_evidence_less_is_too_little(tmp_path: Path) -> None:
    thing, key = np.zeros((20, 24), bool), np.zeros((20, 24), bool)
    thing[4:16, 4:20] = True
    key[8, 6:12] = True
    picture = np.full(key.shape, 255, np.uint8)
    # The mean over the six pixels must exceed one half: four are enough and none of the four can go.
    four = key & (np.arange(24) < 10)
    task = task_on(key_region(tmp_path / "key.onnx", object_region=thing, key=key), picture)
    made = certificate(task, picture, four)
    assert made.minimal_at_block_px == 1
    assert made.minimality == Minimality(1, 4, 4, 0)
    assert made.necessity == 0
    assert certificate(task, picture, key).minimal_at_block_px is None


def test_a_region_that_is_not_sufficient_has_not_passed_and_is_not_called_minimal(bright_pixels: Path) -> None:
    made = certificate(task_on(bright_pixels, DISC), DISC, np.zeros_like(DISC, bool))
    assert made.passed is False
    assert made.minimality is None
    assert (made.dice, made.silhouette) == (0, 0)


def test_a_method_without_a_dice_to_reach_is_neither_passed_nor_failed(bright_pixels: Path) -> None:
    found = Attribution(DISC.astype(np.float32), (DISC > 0).astype(np.float32), DISC > 0, tau=None)
    made = certified(task_on(bright_pixels, DISC), DISC, found)
    assert (made.tau, made.passed, made.minimality, made.minimal_at_block_px) == (None, None, None, None)
    assert made.dice == 1


def test_a_second_run_that_kept_nothing_overlaps_wholly(bright_pixels: Path) -> None:
    """As where the model needs no pixel: nothing is part of everything."""
    nothing, soft = np.zeros_like(DISC, bool), np.zeros(DISC.shape, np.float32)
    found = Attribution(soft, soft, DISC > 0, tau=0.9, second_run=(nothing, DISC > 0))
    stability = certified(task_on(bright_pixels, DISC), DISC, found).stability
    assert (stability.second_run_overlap, stability.second_run_by_chance) == (1, 1)


class BehindAServer(CountingSegmenter):
    """A model that says it is answered for by a server."""

    @property
    def identity(self) -> Identity:
        server = Server("http://host/v2/models/m", "gRPC", "triton", "2.5", "m", None)
        return dataclasses.replace(self.segmenter.identity, server=server)


def test_behind_a_server_it_was_verified_on_the_server(bright_pixels: Path) -> None:
    task = task_on(bright_pixels, DISC)
    served = dataclasses.replace(task, segmenter=BehindAServer(task.segmenter.segmenter))
    assert certificate(served, DISC, DISC > 0).verified_on == "triton by gRPC"
    assert certificate(task, DISC, DISC > 0).verified_on == "CPUExecutionProvider"


def test_held_out_draws_differ_from_the_certificate_s_own(small_network: Path) -> None:
    task = task_on(small_network, noise_image())
    for name in ("noise", "shuffle"):
        draws = [drawn(task, name, draw) for draw in (0, 1, 2)]
        assert not np.array_equal(draws[0], draws[1])
        assert not np.array_equal(draws[1], draws[2])
        assert np.array_equal(draws[1], drawn(task, name, 1))


def test_the_jpeg_is_that_of_the_picture(tmp_path: Path) -> None:
    picture = noise_image((40, 48), 3)
    task = task_on(small_network(tmp_path / "net.onnx", size=(40, 48)), picture, preprocess="minus1_1")
    everything = np.ones((40, 48), bool)
    encoded = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 75])[1]
    decoded = cv2.imdecode(encoded, cv2.IMREAD_COLOR)
    assert decoded is not None
    image = task.segmenter.prepare(load_image(np.ascontiguousarray(decoded[..., ::-1])))
    expected = slow_dice(task.segmenter.predict(image)[0].argmax(axis=0) == 1, task.target.region)
    assert expected < 1
    assert certificate(task, picture, everything).stability.jpeg == pytest.approx(expected)
