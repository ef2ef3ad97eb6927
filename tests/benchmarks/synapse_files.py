"""Synapse's files in small, as they are distributed and as TransUNet's preprocessing leaves them."""

from pathlib import Path

import h5py
import nibabel
import numpy as np
import numpy.typing as npt

SIZE, DEPTH = (64, 64), 3

Volumes = tuple[npt.NDArray[np.int16], npt.NDArray[np.uint8]]


def volumes(labels: tuple[int, ...], seed: int) -> Volumes:
    """Hounsfield units and labels (W, H, D): squares in air, one an organ, whose brightness tells the label."""
    rng = np.random.default_rng(seed)
    scan = np.full((*SIZE, DEPTH), -1000, np.int16)
    truth = np.zeros(scan.shape, np.uint8)
    for place, label in enumerate(labels):
        column, row = divmod(place, 3)
        part = np.s_[20 * column + 2 : 20 * column + 18, 20 * row + 2 : 20 * row + 18, :]
        scan[part] = -125 + 400 * (label + 0.5) / 9 + rng.integers(-8, 9, scan[part].shape)
        truth[part] = label
    return scan, truth


def write_scans(directory: Path, patients: tuple[str, ...], labels: tuple[int, ...]) -> Path:
    """img/img0001.nii.gz and label/label0001.nii.gz."""
    for kind in ("img", "label"):
        (directory / kind).mkdir(parents=True)
    for seed, patient in enumerate(patients):
        for kind, voxels in zip(("img", "label"), volumes(labels, seed), strict=True):
            scan = nibabel.Nifti1Image(voxels, np.eye(4))  # type: ignore[no-untyped-call]
            nibabel.save(scan, directory / kind / f"{kind}{patient}.nii.gz")
    return directory


def write_preprocessed(
    directory: Path, training: tuple[str, ...], validation: tuple[str, ...], labels: tuple[int, ...]
) -> Path:
    """train_npz/case0005_slice000.npz and test_vol_h5/case0001.npy.h5: slices first, intensities in [0, 1]."""
    (directory / "train_npz").mkdir(parents=True)
    (directory / "test_vol_h5").mkdir()
    for seed, patient in enumerate((*training, *validation)):
        scan, truth = (volume.transpose(2, 1, 0).astype(np.float32) for volume in volumes(labels, seed))
        image = (scan.clip(-125, 275) + 125) / 400
        if patient in training:
            for number in range(DEPTH):
                file = directory / "train_npz" / f"case{patient}_slice{number:03d}.npz"
                np.savez(file, image=image[number], label=truth[number])
            continue
        with h5py.File(directory / "test_vol_h5" / f"case{patient}.npy.h5", "w") as written:
            written.create_dataset("image", data=image)
            written.create_dataset("label", data=truth)
    return directory
