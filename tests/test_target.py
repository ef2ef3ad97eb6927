"""What is explained: found in label maps drawn by hand."""

import dataclasses
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from misure_onnx.classes import assumed_background, predicted_region, present_classes
from misure_onnx.errors import TargetError
from misure_onnx.mask import resize_region
from misure_onnx.preprocessing import Preprocessing
from misure_onnx.scores import Head, ScoreKind
from misure_onnx.segmenter import SegmenterSpec
from misure_onnx.target import ResolvedTarget, Target, every_object
from misure_onnx.types import Region, Scores

NAMES = ("background", "car", "person", "dog", "Tree")
LABELS = np.array(
    [
        [0, 0, 0, 1, 1, 1, 0, 0],
        [0, 2, 0, 1, 1, 1, 0, 0],
        [2, 2, 0, 0, 0, 0, 0, 1],
        [2, 2, 0, 0, 3, 0, 1, 1],
        [0, 0, 0, 3, 0, 0, 0, 0],
        [3, 0, 0, 0, 0, 0, 0, 0],
    ]
)
SIZE = (6, 8)
CAR, LEFT_CAR, RIGHT_CAR = LABELS == 1, np.zeros(SIZE, bool), np.zeros(SIZE, bool)
LEFT_CAR[:2, 3:6], RIGHT_CAR[2:4, 6:] = True, CAR[2:4, 6:]


def spec(
    names: Sequence[str] | None = NAMES, kind: ScoreKind = "logits", classes: int = 5, threshold: float = 0.5
) -> SegmenterSpec:
    return SegmenterSpec(
        channels=3,
        classes=len(names) if names else classes,
        head=Head(kind, threshold),
        size=SIZE,
        class_names=tuple(names) if names else None,
        preprocessing=Preprocessing(),
    )


def scores_of(labels: npt.NDArray[np.int64], classes: int = 5) -> Scores:
    """One logit of 3 on a floor of 0."""
    return np.asarray(3 * (labels == np.arange(classes)[:, None, None]), np.float32)[None]


def resolve(target: Target, of: SegmenterSpec | None = None, image_size: tuple[int, int] = SIZE) -> ResolvedTarget:
    return target.resolve(of or spec(), scores_of(LABELS), image_size)


def predicted(labels: npt.NDArray[np.int64], index: int) -> npt.NDArray[np.bool_]:
    return np.asarray(labels == index)[None]


# One object


@pytest.mark.parametrize("target", [Target.at(4, 1), Target.from_class("car").at(4, 1), Target.from_class(1).at(3, 0)])
def test_a_point_names_the_one_object_under_it(target: Target) -> None:
    found = resolve(target)
    assert (found.class_index, found.kind) == (1, "instance")
    assert np.array_equal(found.region, LEFT_CAR)
    assert np.array_equal(found.domain, ~RIGHT_CAR)


def test_other_objects_of_the_class_do_not_count() -> None:
    found = resolve(Target.at(4, 1))
    assert found.dice(predicted(LABELS, 1)).tolist() == [1]
    without_other = np.where(RIGHT_CAR, 0, LABELS)
    assert found.dice(predicted(without_other, 1)).tolist() == [1]
    grown = LABELS.copy()
    grown[5] = 1  # eight pixels more, which do count: 2 * 6 / (6 + 14)
    assert found.dice(predicted(grown, 1)) == pytest.approx([12 / 20])


def test_diagonal_neighbours_belong_to_the_object() -> None:
    found = resolve(Target.at(4, 3))
    assert np.argwhere(found.region).tolist() == [[3, 4], [4, 3]]
    assert np.argwhere(~found.domain).tolist() == [[5, 0]]


@given(st.integers(1, 40), st.integers(1, 40), st.data())
def test_a_point_of_an_image_of_another_size_is_mapped_as_its_regions_are(
    height: int, width: int, data: st.DataObject
) -> None:
    """What is shown under the point, after the region was brought to the image's size, is the object chosen."""
    y, x = data.draw(st.integers(0, height - 1)), data.draw(st.integers(0, width - 1))
    found = Target.at(x, y).resolve(spec(), scores_of(LABELS), (height, width))
    assert resize_region(found.region, (height, width))[y, x]
    assert found.class_index == LABELS[int((y + 0.5) * 6 / height), int((x + 0.5) * 8 / width)]


@pytest.mark.parametrize(("point", "index"), [((79, 59), 0), ((34, 0), 1), ((39, 39), 0), ((0, 55), 3), ((69, 25), 0)])
def test_points_of_a_ten_times_larger_image(point: tuple[int, int], index: int) -> None:
    assert resolve(Target.at(*point), image_size=(60, 80)).class_index == index


@pytest.mark.parametrize("point", [(8, 0), (0, 6), (-1, 0), (0, -1), (100, 100)])
def test_a_point_outside_the_image_is_refused_with_its_size(point: tuple[int, int]) -> None:
    with pytest.raises(TargetError, match=rf"point {point[0]},{point[1]} lies outside the image, which is 8x6 pixels"):
        resolve(Target.at(*point))


def test_a_point_on_another_class_is_refused_with_those_that_are_there() -> None:
    with pytest.raises(TargetError, match=r"predicts not car at point 0,3; in this image: .*car \(9 pixels\)"):
        resolve(Target.from_class("car").at(0, 3))


def test_a_point_where_no_independent_class_is_predicted_is_refused() -> None:
    of = spec(kind="sigmoid_logits", threshold=0.9)
    with pytest.raises(TargetError, match=r"predicts no class at point 0,0; .*car \(9 pixels\)"):
        Target.at(0, 0).resolve(of, scores_of(np.where(LABELS == 0, -1, LABELS)), SIZE)


def test_every_object_is_found_largest_first() -> None:
    found = every_object(spec(), scores_of(LABELS))
    assert [(target.label, int(target.region.sum())) for target in found] == [
        ("car", 6),
        ("person", 5),
        ("car", 3),
        ("dog", 2),
        ("dog", 1),
    ]
    for target in found:
        assert target.kind == "instance"
        assert target.dice(predicted(LABELS, target.class_index)).tolist() == [1]
    assert np.array_equal(found[2].region, RIGHT_CAR)
    assert np.array_equal(found[2].domain, ~LEFT_CAR)


def test_every_object_of_one_class_even_of_the_background() -> None:
    assert [int(t.region.sum()) for t in every_object(spec(), scores_of(LABELS), "car")] == [6, 3]
    assert [t.class_index for t in every_object(spec(), scores_of(LABELS), 0)] == [0]


def test_small_objects_can_be_left_out() -> None:
    assert [int(t.region.sum()) for t in every_object(spec(), scores_of(LABELS), min_pixels=3)] == [6, 5, 3]
    with pytest.raises(TargetError, match=r"no object of 7 pixels or more; predicted: background \(31 pixels\), car"):
        every_object(spec(), scores_of(LABELS), min_pixels=7)


# A mask


def test_a_mask_names_the_part_of_a_class_inside_it() -> None:
    mask = np.zeros(SIZE, bool)
    mask[1:, 5:] = True  # one pixel of the left car, the three of the right one
    found = resolve(Target.from_mask(mask, "car"))
    assert (found.class_index, found.kind) == (1, "region")
    assert np.array_equal(found.region, CAR & mask)
    assert np.array_equal(found.domain, ~CAR | mask)
    assert found.dice(predicted(LABELS, 1)).tolist() == [1]


def test_without_a_class_the_most_frequent_one_inside_the_mask_is_taken() -> None:
    mask = np.zeros(SIZE, np.uint8)
    mask[:2, 2:6] = 255  # six pixels of car, two of background
    assert resolve(Target.from_mask(mask)).class_index == 1
    mask[:, :3] = 255
    assert resolve(Target.from_mask(mask)).class_index == 0


def test_a_mask_of_another_size_is_resized() -> None:
    mask = np.zeros((60, 80), bool)
    mask[:20, 30:60] = True
    found = resolve(Target.from_mask(mask), image_size=(60, 80))
    assert np.array_equal(found.region, LEFT_CAR)


def test_a_mask_without_the_class_is_refused() -> None:
    mask = np.zeros(SIZE, bool)
    mask[0, 0] = True
    with pytest.raises(TargetError, match=r"car is not predicted inside the target mask; .*car \(9 pixels\)"):
        resolve(Target.from_mask(mask, "car"))


def test_an_empty_mask_is_refused() -> None:
    with pytest.raises(TargetError, match="the target mask is empty"):
        resolve(Target.from_mask(np.zeros(SIZE)))
    with pytest.raises(TargetError, match="car is not predicted inside the target mask"):
        resolve(Target.from_mask(np.zeros(SIZE), "car"))


@pytest.mark.parametrize("shape", [(6,), (6, 8, 3, 2)])
def test_a_mask_of_another_rank_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(TargetError, match="a target mask must be"):
        Target.from_mask(np.ones(shape))


def test_a_point_and_a_mask_exclude_each_other() -> None:
    with pytest.raises(TargetError, match="not both"):
        Target.from_mask(np.ones(SIZE)).at(1, 1)


# Nothing said


def test_the_default_is_the_largest_class_that_is_not_background() -> None:
    found = resolve(Target())
    assert (found.class_index, found.kind) == (1, "class")
    assert found.notes == ("no target was given: car, the largest predicted class that is not background, was taken",)


def test_without_names_class_0_is_taken_as_background_and_that_is_said() -> None:
    found = resolve(Target(), spec(None))
    assert found.class_index == 1
    assert found.notes[-1] == "no class names are declared: class 0 was taken as background"


def test_a_first_class_with_another_name_is_no_background() -> None:
    assert resolve(Target(), spec(("road", "car", "person", "dog", "Tree"))).class_index == 0


@pytest.mark.parametrize("name", ["background", "Background", "BG", "_background_", "__background__"])
def test_background_has_several_names(name: str) -> None:
    of = spec((name, "car", "person", "dog", "Tree"))
    assert assumed_background(of) == of.background == 0
    assert resolve(Target(), of).class_index == 1


@pytest.mark.parametrize(
    ("of", "expected"),
    [
        (spec(None), 0),
        (spec(None, "softmax"), 0),
        (spec(None, "sigmoid"), None),
        (spec(NAMES, "sigmoid"), None),
        (spec(None, "sigmoid_logits", classes=1), None),
        (spec(("car", "background")), None),
    ],
)
def test_only_the_first_of_exclusive_classes_can_be_background(of: SegmenterSpec, expected: int | None) -> None:
    assert assumed_background(of) == expected


def test_an_image_of_background_alone_is_refused() -> None:
    scores = scores_of(np.zeros(SIZE, np.int64))
    with pytest.raises(TargetError, match="predicts only background in this image: there is nothing to explain"):
        Target().resolve(spec(), scores, SIZE)
    with pytest.raises(TargetError, match="predicts only class 0 in this image"):
        Target().resolve(spec(None), scores, SIZE)


def test_an_image_without_any_independent_class_is_refused() -> None:
    scores = np.full((1, 1, *SIZE), -1, np.float32)
    with pytest.raises(TargetError, match="predicts nothing in this image"):
        Target().resolve(spec(("road",), "sigmoid_logits"), scores, SIZE)


def test_the_only_independent_class_is_the_default() -> None:
    scores = np.where(CAR, 2.0, -1.0).astype(np.float32)[None, None]
    found = Target().resolve(spec(("road",), "sigmoid_logits"), scores, SIZE)
    assert found.class_index == 0
    assert np.array_equal(found.region, CAR)


# Every target


MASK = np.zeros(SIZE, bool)
MASK[:4, 4:] = True


@pytest.mark.parametrize(
    "target",
    [Target(), Target.from_class(2), Target.at(7, 3), Target.from_class("dog").at(0, 5), Target.from_mask(MASK, 1)],
)
def test_the_unperturbed_image_always_has_dice_1(target: Target) -> None:
    found = resolve(target)
    assert found.dice(predicted(LABELS, found.class_index)).tolist() == [1]
    assert found.dice(np.zeros((3, *SIZE), bool)).tolist() == [0, 0, 0]
    assert not (found.region & ~found.domain).any()


def test_overlapping_classes_are_read_a_channel_at_a_time() -> None:
    scores = np.full((1, 2, *SIZE), -1, np.float32)
    scores[0, 0, :3], scores[0, 1, 2:] = 1, 2
    of = spec(("road", "wet"), "sigmoid_logits")
    road: Region = predicted_region(of, scores, 0)
    assert road.sum() == 24
    assert predicted_region(of, scores, 1).sum() == 32
    assert present_classes(of, scores) == "wet (32 pixels), road (24 pixels)"


def test_counts_have_thousands_separators_and_ties_are_in_order_of_index() -> None:
    labels = np.zeros((60, 60), np.int64)
    labels[30:] = 1
    assert present_classes(spec(), scores_of(labels)) == "background (1,800 pixels), car (1,800 pixels)"


def test_targets_are_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Target.at(1, 1).point = (2, 2)  # type: ignore[misc]
    with pytest.raises(dataclasses.FrozenInstanceError):
        resolve(Target()).class_index = 2  # type: ignore[misc]


# Borders


def test_a_border_is_the_pixels_on_either_side_of_where_the_object_ends() -> None:
    """Of a disc of pixels, by the distance to the nearest pixel of the other side."""
    rows, columns = np.indices((21, 23))
    inside = (rows - 10) ** 2 + (columns - 11) ** 2 <= 36
    scores = np.stack([~inside, inside]).astype(np.float32)[None]
    found = Target(class_spec=1, border=2).resolve(spec(None, classes=2), scores, (21, 23))
    for row, column in np.ndindex(21, 23):
        other = np.argwhere(inside != inside[row, column])
        near = np.hypot(*(other - (row, column)).T).min() <= 2
        assert found.domain[row, column] == near
        assert found.region[row, column] == (near and inside[row, column])
    assert found.kind == "region"
    assert found.dice(inside[None])[0] == 1
    assert found.dice(np.zeros_like(inside)[None])[0] == 0
    far = inside.copy()
    far[10, 11] = False
    assert found.dice(far[None])[0] == 1, "what lies away from the border does not count"


def test_a_target_that_fills_the_image_has_no_border() -> None:
    scores = np.stack([np.zeros(SIZE), np.ones(SIZE)]).astype(np.float32)[None]
    with pytest.raises(TargetError, match="class 1 fills the image: it has no border"):
        Target(class_spec=1, border=3).resolve(spec(None, classes=2), scores, SIZE)
    with pytest.raises(TargetError, match="at least 1 pixel wide, got 0"):
        Target(class_spec=1, border=0)
