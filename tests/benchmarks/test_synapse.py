"""Synapse's two forms from small files."""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("h5py", reason="Synapse's preprocessed files need h5py: pip install --group paper")

from benchmarks.datasets.synapse import OFFICIAL, ORGANS, VALIDATION, open_synapse, windowed
from tests.benchmarks.synapse_files import DEPTH, SIZE, volumes, write_preprocessed, write_scans


def test_the_window_is_that_of_transunet() -> None:
    np.testing.assert_allclose(windowed(np.array([-1000, -125, 75, 275, 3000])), [0, 0, 0.5, 1, 1])


def test_twelve_patients_validate() -> None:
    assert len(VALIDATION) == 12


def test_scans_become_slices_of_their_part(tmp_path: Path) -> None:
    directory = write_scans(tmp_path / "scans", ("0001", "0005"), (1, 6, 9, 13))
    validation, training = (open_synapse(directory, part) for part in ("validation", "training"))
    assert len(validation) == len(training) == DEPTH
    assert {validation[index].group for index in range(DEPTH)} == {"0001"}
    assert {training[index].group for index in range(DEPTH)} == {"0005"}
    item = validation[1]
    assert item.image.dtype == np.uint16
    assert item.image.shape == SIZE
    scan, truth = volumes((1, 6, 9, 13), seed=0)
    np.testing.assert_allclose(item.image / 65535, windowed(scan[:, :, 1].T), atol=1e-5)
    official = ("background", *OFFICIAL)
    for row, column in ((5, 5), (25, 5), (45, 5), (5, 25)):
        organ = official[truth[column, row, 1]]
        expected = organ if organ in ORGANS else "background"  # of thirteen organs eight count
        assert validation.class_names[item.labels[row, column]] == expected


def test_preprocessed_files_become_slices_of_their_part(tmp_path: Path) -> None:
    directory = write_preprocessed(tmp_path / "slices", ("0005", "0006"), ("0001",), (1, 5, 8))
    validation, training = (open_synapse(directory, part) for part in ("validation", "training"))
    assert (len(validation), len(training)) == (DEPTH, 2 * DEPTH)
    for dataset, seed in ((validation, 2), (training, 0)):
        scan, truth = volumes((1, 5, 8), seed)
        np.testing.assert_allclose(dataset[2].image / 65535, windowed(scan[:, :, 2].T), atol=1e-5)
        np.testing.assert_array_equal(dataset[2].labels, truth[:, :, 2].T)
    assert validation.class_names[validation[0].labels[5, 5]] == "aorta"


def test_another_order_of_labels_is_read_from_organs_txt(tmp_path: Path) -> None:
    directory = write_preprocessed(tmp_path / "slices", (), ("0001",), (1, 9))
    with pytest.raises(ValueError, match=r"organs\.txt"):
        open_synapse(directory, "validation")[0]
    (directory / "organs.txt").write_text("\n".join(OFFICIAL), encoding="utf-8")
    dataset = open_synapse(directory, "validation")
    assert dataset.class_names[dataset[0].labels[5, 5]] == "spleen"
    assert dataset[0].labels[25, 5] == 0  # the inferior vena cava is none of the eight


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="img/ and label/"):
        open_synapse(None, "validation")
    with pytest.raises(ValueError, match="neither"):
        open_synapse(tmp_path, "validation")
    directory = write_scans(tmp_path / "scans", ("0001",), (1,))
    (directory / "label" / "label0001.nii.gz").unlink()
    with pytest.raises(ValueError, match=r"label0001\.nii\.gz"):
        open_synapse(directory, "validation")
