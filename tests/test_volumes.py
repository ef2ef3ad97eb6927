"""Reading volumes: voxels, place in the world, crops, channels, and what is refused."""

from pathlib import Path

import nibabel
import numpy as np
import numpy.typing as npt
import pytest

from misure_onnx.errors import ImageError
from misure_onnx.network_input import network_volume
from misure_onnx.preprocessing import Preprocessing
from misure_onnx.volumes import load_volume

SIZE = (5, 7, 9)
AFFINE = np.array([[-2.0, 0, 0, 30], [0, 0, 3.0, -20], [0, -1.5, 0, 10], [0, 0, 0, 1]])
VOXELS = np.random.default_rng(0).integers(0, 1000, SIZE).astype(np.int16)


def write(path: Path, voxels: npt.NDArray[np.generic] = VOXELS, affine: npt.NDArray[np.float64] = AFFINE) -> Path:
    nibabel.save(nibabel.Nifti1Image(voxels, affine), path)  # type: ignore[no-untyped-call]
    return path


def test_voxels_come_in_the_order_of_the_file_with_its_affine(tmp_path: Path) -> None:
    volume = load_volume(write(tmp_path / "v.nii.gz"))
    assert volume.size == SIZE
    assert volume.voxels.dtype == np.float32
    assert np.array_equal(volume.voxels[..., 0], VOXELS)
    assert np.array_equal(volume.affine, AFFINE)
    assert volume.name == "v.nii.gz"


def test_a_crop_keeps_every_voxel_s_place_in_the_world_and_the_intensities_of_the_whole(tmp_path: Path) -> None:
    volume = load_volume(write(tmp_path / "v.nii"))
    part = volume.cropped((1, 2, 3), (3, 4, 5))
    assert np.array_equal(part.voxels, volume.voxels[1:4, 2:6, 3:8])
    assert part.affine @ [0, 0, 0, 1] == pytest.approx(volume.affine @ [1, 2, 3, 1])
    assert part.affine @ [2, 1, 4, 1] == pytest.approx(volume.affine @ [3, 3, 7, 1])
    assert part.intensities == volume.intensities


@pytest.mark.parametrize("origin", [(-1, 0, 0), (3, 0, 0), (0, 4, 0), (0, 0, 99)])
def test_a_crop_outside_is_refused_with_the_size(tmp_path: Path, origin: tuple[int, int, int]) -> None:
    with pytest.raises(ImageError, match=r"3x4x5 voxels .* does not lie inside .* 5x7x9"):
        load_volume(write(tmp_path / "v.nii")).cropped(origin, (3, 4, 5))


def test_one_file_a_channel_and_one_file_of_channels_are_the_same(tmp_path: Path) -> None:
    paths = [write(tmp_path / f"{k}.nii", VOXELS * (k + 1)) for k in range(2)]
    together = write(tmp_path / "both.nii", np.stack([VOXELS, VOXELS * 2], axis=3))
    several, one = load_volume(paths), load_volume(together)
    assert np.array_equal(several.voxels, one.voxels)
    assert several.intensities == one.intensities
    assert len(one.intensities) == 2


def test_intensities_are_those_of_every_voxel_and_of_those_that_are_not_zero(tmp_path: Path) -> None:
    voxels = np.zeros(SIZE, np.float32)
    voxels[1:3] = np.arange(2 * 7 * 9).reshape(2, 7, 9) + 1
    (found,) = load_volume(write(tmp_path / "v.nii", voxels)).intensities
    assert (found.low, found.high) == (0, 126)
    assert found.mean == pytest.approx(voxels.mean())
    assert found.std == pytest.approx(voxels.std(), rel=1e-5)
    assert found.foreground_mean == pytest.approx(voxels[1:3].mean())
    assert found.foreground_std == pytest.approx(voxels[1:3].std(), rel=1e-5)


@pytest.mark.parametrize(
    ("rescale", "expected"),
    [
        (None, VOXELS.astype(np.float64)),
        ("min_max", (VOXELS - VOXELS.min()) / (VOXELS.max() - VOXELS.min())),
        ("z_score", (VOXELS - VOXELS.mean()) / VOXELS.std()),
        ("z_score_foreground", (VOXELS - VOXELS[VOXELS != 0].mean()) / VOXELS[VOXELS != 0].std()),
    ],
)
def test_voxels_are_rescaled_by_the_whole_file_and_then_by_the_formula(
    rescale: str | None, expected: npt.NDArray[np.float64]
) -> None:
    volume = load_volume(VOXELS[..., None]).cropped((1, 1, 1), (3, 4, 5))
    declared = Preprocessing.from_mapping({"rescale": rescale, "scale": 2.0, "mean": 0.5, "std": 4.0}, "test")
    found = network_volume(volume, declared, 1, (3, 4, 5))
    assert found[0, 0] == pytest.approx((expected[1:4, 1:5, 1:6] * 2 - 0.5) / 4, abs=1e-4)


def test_a_network_that_takes_the_axes_reversed_gets_them_reversed() -> None:
    found = network_volume(load_volume(VOXELS[..., None]), Preprocessing(axes="zyx"), 1, SIZE[::-1])
    assert np.array_equal(found[0, 0], VOXELS.transpose(2, 1, 0))


def test_a_volume_of_another_size_is_refused_with_the_ways_out() -> None:
    with pytest.raises(ImageError, match=r"takes 4x7x9 voxels, the volume has 5x7x9 .*--crop"):
        network_volume(load_volume(VOXELS[..., None]), Preprocessing(), 1, (4, 7, 9))


def test_a_volume_of_other_channels_is_refused_with_both_numbers() -> None:
    with pytest.raises(ImageError, match="takes 2 channels, the volume has 1"):
        network_volume(load_volume(VOXELS[..., None]), Preprocessing(), 2, SIZE)


def test_volumes_that_cannot_be_used_are_refused(tmp_path: Path) -> None:
    broken = tmp_path / "broken.nii.gz"
    broken.write_bytes(b"no volume")
    other = write(tmp_path / "other.nii", VOXELS[:-1])
    moved = write(tmp_path / "moved.nii", affine=AFFINE + np.eye(4))
    good = write(tmp_path / "good.nii")
    for source, message in (
        (tmp_path / "missing.nii", "no existing file"),
        (broken, "cannot be read; expected a complete NIfTI file"),
        (write(tmp_path / "empty.nii", np.zeros(SIZE, np.uint8)), "is empty: every voxel is 0"),
        (write(tmp_path / "nan.nii", np.full(SIZE, np.nan, np.float32)), "NaN or infinite"),
        (write(tmp_path / "flat.nii", VOXELS[:1]), "at least 2 along each axis"),
        ([good, other], "not on the same grid"),
        ([good, moved], "not on the same grid"),
        (np.zeros((2, 2, 2, 1), complex), "expected numbers"),
    ):
        with pytest.raises(ImageError, match=message):
            load_volume(source)  # type: ignore[arg-type]


def test_a_volume_that_claims_too_many_voxels_is_refused_from_its_header(tmp_path: Path) -> None:
    header = nibabel.Nifti1Header()  # type: ignore[no-untyped-call]
    header.set_data_shape((2000, 2000, 2000))  # type: ignore[no-untyped-call]
    header.set_data_dtype(np.uint8)  # type: ignore[no-untyped-call]
    path = tmp_path / "bomb.nii"
    path.write_bytes(header.binaryblock + b"\0" * 100)  # type: ignore[no-untyped-call]
    with pytest.raises(ImageError, match="at most 134,217,728"):
        load_volume(path)
