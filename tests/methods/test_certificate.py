"""The certificate against cases known by hand, and against numpy alone."""

import dataclasses
from pathlib import Path

import cv2
import numpy as np
import pytest

from misure_onnx.images import LoadedImage, load_image
from misure_onnx.methods.base import Attribution
from misure_onnx.methods.certificate import _rethresholded, _verified_on, certify, drawn
from misure_onnx.methods.task import Task
from misure_onnx.perturbation import BASELINES, make_baseline
from misure_onnx.records import Certificate, Minimality
from misure_onnx.segmenter import CountingSegmenter, Identity, Server
from misure_onnx.types import Images, Region
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


SHAPE = (40, 48)


@pytest.fixture
def network_task(tmp_path: Path) -> Task:
    """A picture in colours on a small network, with a seed of its own."""
    return task_on(
        small_network(tmp_path / "net.onnx", size=SHAPE), noise_image(SHAPE, 3), preprocess="minus1_1", seed=5
    )


def attribution(task: Task, **changed: object) -> Attribution:
    """The rows of the prediction above the middle."""
    region = task.target.region & (np.arange(SHAPE[0]) < 24)[:, None]
    found = Attribution(region.astype(np.float32), region.astype(np.float32), region, tau=0.3, baseline="mean")
    return dataclasses.replace(found, **changed)  # type: ignore[arg-type]


def certified_noise(task: Task, found: Attribution, dice: float = 0.625) -> Certificate:
    return certify(task, load_image(noise_image(SHAPE, 3)), found, dice)


def seen(task: Task, region: Region, baseline: Images, image: Images | None = None) -> float:
    """Dice of what the model finds, by numpy alone."""
    picture = task.image if image is None else image
    scores = task.segmenter.predict(np.where(region, picture, baseline).astype(np.float32))
    return slow_dice(scores[0].argmax(axis=0) == 1, task.target.region)


def after_shifts(task: Task, region: Region, baseline: Images) -> list[float]:
    """Dice with the region 2 pixels further down, up, right, left."""
    moved = []
    for rows, columns in ((2, 0), (-2, 0), (0, 2), (0, -2)):
        places = np.argwhere(region) + np.array([rows, columns])
        there = np.zeros(SHAPE, bool)
        there[tuple(places[((places >= 0) & (places < SHAPE)).all(axis=1)].T)] = True
        moved.append(seen(task, there, baseline))
    return moved


def test_each_number_of_a_region_is_what_numpy_makes_of_the_model_s_answers(network_task: Task) -> None:
    found = attribution(network_task)
    region, image = found.region, network_task.image
    assert 20 < region.sum() < network_task.target.region.sum()

    def baseline(name: str, *seed: int) -> Images:
        return make_baseline(name, image, np.random.default_rng(seed[0] if len(seed) == 1 else seed))

    made = certified_noise(network_task, found)
    assert (made.tau, made.dice, made.required) == (0.3, 0.625, ("mean",))
    assert made.verified_on == ", ".join(network_task.segmenter.identity.providers_used) != ""
    expected = {name: seen(network_task, region, baseline(name, 5)) for name in BASELINES}
    assert made.baselines == pytest.approx({**expected, "mean": 0.625}), "the method's own was measured before"
    held_out = {name: seen(network_task, region, baseline(name, 5, 1_000_000)) for name in ("noise", "shuffle")}
    assert made.held_out == pytest.approx(held_out)
    own = baseline("mean", 5)
    assert made.necessity == pytest.approx(seen(network_task, ~region, own))
    grey = np.stack([np.full(SHAPE, channel[region].mean()) for channel in image[0]])[None]
    assert made.silhouette == pytest.approx(seen(network_task, region, own, grey))
    moved = after_shifts(network_task, region, own)
    assert made.stability.shift_2px == pytest.approx(min(moved))
    assert len({*moved, made.necessity, made.silhouette, *expected.values(), *held_out.values()}) > 8, "all differ"
    assert made.stability.threshold is None
    assert (made.stability.second_run_overlap, made.stability.second_run_by_chance) == (None, None)


def test_a_random_baseline_of_the_method_s_own_is_the_task_s_first_draw(network_task: Task) -> None:
    found = attribution(network_task, baseline="noise")
    noise = make_baseline("noise", network_task.image, np.random.default_rng(5))
    assert certified_noise(network_task, found).necessity == pytest.approx(seen(network_task, ~found.region, noise))


def test_the_worst_shift_counts_whichever_way_it_goes(network_task: Task) -> None:
    own, worst = make_baseline("mean", network_task.image, network_task.rng()), set()
    for top, left in np.ndindex(4, 4):
        region = np.zeros(SHAPE, bool)
        region[9 * top : 9 * top + 12, 11 * left : 11 * left + 14] = True
        shifts = after_shifts(network_task, region, own)
        found = attribution(network_task, region=region, tau=None)
        assert certified_noise(network_task, found).stability.shift_2px == pytest.approx(min(shifts))
        worst.add(int(np.argmin(shifts)))
    assert worst == {0, 1, 2, 3}, "each way must be the worst one once to test anything"


def test_the_forwards_of_a_certificate_are_those_that_it_ran(network_task: Task) -> None:
    before = network_task.segmenter.forwards
    made = certified_noise(network_task, attribution(network_task, threshold=0.5))
    assert made.minimality is not None
    assert made.forwards == network_task.segmenter.forwards - before
    # Four other baselines, two held out, the complement, the silhouette, four shifts, two thresholds, the JPEG.
    assert made.forwards == 4 + 2 + 1 + 1 + 4 + 2 + 1 + made.minimality.checked


def test_the_soft_mask_is_cut_a_tenth_lower_and_higher_without_what_was_dropped(network_task: Task) -> None:
    soft = np.random.default_rng(0).random(SHAPE).astype(np.float32)
    dropped = (np.arange(SHAPE[1]) < 12)[None, :] & (soft > 0.65)
    region = (soft > 0.65) & ~dropped
    made = certified_noise(network_task, attribution(network_task, soft_mask=soft, region=region, threshold=0.65))
    own = make_baseline("mean", network_task.image, network_task.rng())
    cuts = [seen(network_task, (soft > cut) & ~dropped, own) for cut in (0.55, 0.75)]
    assert made.stability.threshold == pytest.approx(min(cuts))
    assert cuts[0] != cuts[1]
    assert min(cuts) != pytest.approx(min(seen(network_task, soft > cut, own) for cut in (0.55, 0.75)))


def test_a_pixel_is_kept_above_a_threshold_and_not_at_it() -> None:
    soft = np.array([[0.4, 0.45, 0.5, 0.55, 0.6, 0.65]], np.float32)
    for dropped in (3, 5):
        region = soft > 0.5
        region[0, dropped] = False
        lower, higher = _rethresholded(Attribution(soft, soft, region), 0.5)
        assert np.flatnonzero(lower).tolist() == [k for k in (1, 2, 3, 4, 5) if k != dropped]
        assert np.flatnonzero(higher).tolist() == [k for k in (5,) if k != dropped]


@pytest.mark.parametrize("tau", [0.0, 0.3, 0.625, 0.7, None])
@pytest.mark.parametrize("required", [(), ("mean", "zero"), ("zero",)])
def test_a_region_has_passed_where_its_dice_exceeds_tau_under_all_that_is_required(
    network_task: Task, tau: float | None, required: tuple[str, ...]
) -> None:
    made = certified_noise(network_task, attribution(network_task, tau=tau, required=required))
    assert made.required == (required or ("mean",))
    worst = min(made.baselines[name] for name in made.required)
    assert made.passed == (None if tau is None else worst > tau)
    assert (made.minimality is not None) == bool(made.passed)
    if made.minimality is not None and made.minimality.removable:  # the block that can go, found again with numpy
        assert made.minimal_at_block_px is None


def test_what_the_method_checked_itself_is_not_checked_again(network_task: Task) -> None:
    shown, not_shown = Minimality(3, 7, 7, 0), Minimality(3, 7, 5, 0)
    before = certified_noise(network_task, attribution(network_task)).forwards
    for given, block in ((shown, 3), (not_shown, None)):
        made = certified_noise(network_task, attribution(network_task, minimality=given))
        assert made.minimality is given
        assert made.minimal_at_block_px == block
        assert made.forwards < before


def test_blocks_are_left_out_under_every_baseline_that_is_required(network_task: Task) -> None:
    found = attribution(network_task, required=("zero", "noise"), tau=0.05)
    made = certified_noise(network_task, found)
    assert made.minimality is not None
    zero, noise = (make_baseline(name, network_task.image, np.random.default_rng(5)) for name in ("zero", "noise"))
    side = made.minimality.block_px
    rows, columns = (np.arange(extent) // side for extent in SHAPE)
    numbers = rows[:, None] * 1000 + columns
    checked = 0
    for block in np.unique(numbers[found.region])[:40]:
        checked += 1
        kept = found.region & (numbers != block)
        if min(seen(network_task, kept, zero), seen(network_task, kept, noise)) > 0.05:
            break
    assert made.minimality.checked == checked


def test_a_second_run_s_overlap_is_a_share_of_the_smaller_region(network_task: Task) -> None:
    def area(first: int, last: int) -> Region:
        part = np.zeros(SHAPE, bool)
        part[0, first:last] = True
        return part

    def overlaps(region: Region, other: Region, largest: Region) -> tuple[float | None, float | None]:
        found = attribution(network_task, region=region, second_run=(other, largest), tau=None)
        stability = certified_noise(network_task, found).stability
        return stability.second_run_overlap, stability.second_run_by_chance

    largest = area(0, 40)
    assert overlaps(area(0, 10), area(6, 26), largest) == (4 / 10, 20 / 40)
    assert overlaps(area(6, 26), area(0, 10), largest) == (4 / 10, 20 / 40)
    assert overlaps(area(0, 10), area(20, 30), largest) == (0, 10 / 40)
    assert overlaps(area(0, 10), area(0, 10), area(0, 5)) == (1, 1), "chance gives no more than everything"
    assert overlaps(area(0, 1), area(0, 1), area(0, 10)) == (1, 1 / 10)
    assert overlaps(area(0, 10), area(0, 0), largest) == (1, 1), "nothing lies in everything"


def test_an_empty_region_s_silhouette_is_the_baseline_alone(network_task: Task) -> None:
    nothing = np.zeros(SHAPE, bool)
    own = make_baseline("mean", network_task.image, network_task.rng())
    made = certified_noise(network_task, attribution(network_task, region=nothing))
    assert made.silhouette == made.stability.shift_2px == pytest.approx(seen(network_task, nothing, own))


def test_only_a_photograph_is_compressed(network_task: Task) -> None:
    found = attribution(network_task)
    measured = LoadedImage(noise_image(SHAPE, 3).astype(np.float32), "", "array")
    assert certify(network_task, measured, found, 0.5).stability.jpeg is None
    assert certified_noise(network_task, found).stability.jpeg is not None


def test_the_jpeg_s_region_stands_on_the_method_s_own_baseline(network_task: Task) -> None:
    encoded = cv2.imencode(".jpg", noise_image(SHAPE, 3)[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 75])[1]
    decoded = cv2.imdecode(encoded, cv2.IMREAD_COLOR)
    assert decoded is not None
    compressed = network_task.segmenter.prepare(load_image(np.ascontiguousarray(decoded[..., ::-1])))
    found = attribution(network_task)
    own = make_baseline("mean", network_task.image, network_task.rng())
    expected = seen(network_task, found.region, own, compressed)
    assert certified_noise(network_task, found).stability.jpeg == pytest.approx(expected)


def test_it_says_what_it_was_verified_on() -> None:
    nothing = Identity(None, None, (), ())
    assert _verified_on(nothing) == "python function"
    both = dataclasses.replace(nothing, providers_requested=("c",), providers_used=("a", "b"))
    assert _verified_on(both) == "a, b"
    server = Server("http://host", "gRPC", "Triton", None, None, None)
    assert _verified_on(dataclasses.replace(both, server=server)) == "Triton by gRPC"
    unnamed = dataclasses.replace(server, software=None)
    assert _verified_on(dataclasses.replace(both, server=unnamed)) == "a server by gRPC"
