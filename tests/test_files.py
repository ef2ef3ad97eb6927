"""Writing all files or none, and reading them back."""

import contextlib
import json
import os
import resource
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from misure_onnx.directory_lock import held
from misure_onnx.errors import InputError, OutputError
from misure_onnx.files import check_directory, encode_json, encode_npy, encode_png, read_region, write_all

EARLIER = {"explanation.json": b"earlier", "figure.png": b"earlier figure", "saliency.npy": b"earlier map"}
LATER = {"explanation.json": b"later", "figure.png": b"later figure", "trace.json": b"later trace"}


def contents(directory: Path) -> dict[str, bytes]:
    """Every file below a directory, hidden ones too."""
    return {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


@contextmanager
def disk_full_beyond(size: int) -> Iterator[None]:
    """Every file that grows beyond `size` bytes fails, as on a disk that is full in the middle."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)


# Writing


@pytest.mark.parametrize("place", ["out", "a/b/c", "Straße 出力 'x'", ".hidden", "o" * 255])
def test_all_files_are_written_and_nothing_else(place: str, tmp_path: Path) -> None:
    assert write_all(tmp_path / place, LATER) == tmp_path / place
    assert contents(tmp_path) == {f"{place}/{name}": content for name, content in LATER.items()}


def test_a_relative_place_is_below_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_all(Path("a/out"), LATER)
    assert contents(tmp_path / "a" / "out") == LATER
    write_all(Path(), EARLIER)
    assert (tmp_path / "figure.png").read_bytes() == b"earlier figure"


def test_an_earlier_explanation_is_replaced_completely(tmp_path: Path) -> None:
    write_all(tmp_path, EARLIER)
    write_all(tmp_path, LATER, obsolete=["saliency.npy", "figure.png", "never.png"])
    assert contents(tmp_path) == LATER


def test_the_files_of_two_runs_never_mix(tmp_path: Path) -> None:
    """Each of eight runs writes its own number into three files, again and again."""
    place, names = tmp_path / "out", ("a.bin", "b.bin", "explanation.json")
    wrong = []

    def run(number: int) -> None:
        for _ in range(30):
            write_all(place, dict.fromkeys(names, str(number).encode()))

    with ThreadPoolExecutor(8) as pool:
        runs = [pool.submit(run, number) for number in range(8)]
        while not all(one.done() for one in runs):
            with contextlib.suppress(FileNotFoundError), held(place, wait=True):
                found = {(place / name).read_bytes() for name in names}
                wrong += [found] if len(found) != 1 else []
    assert all(one.exception() is None for one in runs)
    assert wrong == []
    assert sorted(path.name for path in place.iterdir()) == sorted(names)


def test_files_of_other_names_stay(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_bytes(b"mine")
    write_all(tmp_path, LATER, obsolete=["saliency.npy"])
    assert contents(tmp_path) == {**LATER, "notes.txt": b"mine"}


def test_a_link_to_a_directory_is_written_through(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "out").symlink_to(tmp_path / "disk")
    write_all(tmp_path / "out", LATER)
    assert contents(tmp_path / "disk") == LATER
    assert (tmp_path / "out").is_symlink()


def test_a_link_in_the_place_of_a_file_is_replaced_and_not_written_through(tmp_path: Path) -> None:
    (tmp_path / "precious").write_bytes(b"precious")
    out = tmp_path / "out"
    out.mkdir()
    (out / "figure.png").symlink_to(tmp_path / "precious")
    (out / "trace.json").symlink_to(tmp_path / "nowhere")
    write_all(out, LATER)
    assert (tmp_path / "precious").read_bytes() == b"precious"
    assert contents(out) == LATER
    assert not any(path.is_symlink() for path in out.iterdir())


# Failing


def test_on_a_full_disk_nothing_is_left(tmp_path: Path) -> None:
    with disk_full_beyond(10), pytest.raises(OutputError, match="choose a directory on a disk with free space"):
        write_all(tmp_path / "a" / "out", LATER)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("size", [0, 5, 11])
def test_on_a_full_disk_the_earlier_explanation_stays_complete(size: int, tmp_path: Path) -> None:
    write_all(tmp_path, EARLIER)
    with disk_full_beyond(size), pytest.raises(OutputError, match="File too large"):
        write_all(tmp_path, LATER, obsolete=["saliency.npy"])
    assert contents(tmp_path) == EARLIER


@pytest.mark.parametrize("name", ["explanation.json", "figure.png", "trace.json", "saliency.npy"])
def test_a_directory_in_the_place_of_a_file_stays_and_so_does_the_rest(name: str, tmp_path: Path) -> None:
    earlier = {other: content for other, content in EARLIER.items() if other != name}
    write_all(tmp_path, earlier)
    (tmp_path / name).mkdir()
    (tmp_path / name / "inside").write_bytes(b"mine")
    with pytest.raises(OutputError, match="is a directory"):
        write_all(tmp_path, LATER, obsolete=["saliency.npy"])
    assert contents(tmp_path) == {**earlier, f"{name}/inside": b"mine"}


@pytest.mark.parametrize("failing", range(6))
def test_when_a_file_cannot_be_moved_all_go_back(failing: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three earlier files go out and three later ones come in; each move in turn is interrupted."""
    write_all(tmp_path, EARLIER)
    moves, replace = 0, Path.replace

    def replace_until(source: Path, destination: Path) -> Path:
        nonlocal moves
        moves += 1
        if moves == failing + 1:
            raise KeyboardInterrupt
        return replace(source, destination)

    monkeypatch.setattr(Path, "replace", replace_until)
    with pytest.raises(KeyboardInterrupt):
        write_all(tmp_path, LATER, obsolete=["saliency.npy"])
    assert contents(tmp_path) == EARLIER


def test_explanation_json_goes_first_and_comes_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So a directory that has it is complete, even where the process was killed."""
    write_all(tmp_path, EARLIER)
    order, replace = [], Path.replace

    def recorded(source: Path, destination: Path) -> Path:
        order.append((source if source.parent == tmp_path else destination).name)
        return replace(source, destination)

    monkeypatch.setattr(Path, "replace", recorded)
    write_all(tmp_path, LATER, obsolete=["saliency.npy"])
    assert order[0] == order[-1] == "explanation.json"
    assert order.count("explanation.json") == 2


UNUSABLE = {
    "a file": "file",
    "below a file": "file/out",
    "deep below a file": "file/a/b/out",
    "a name that is too long": "o" * 256,
}


@pytest.mark.parametrize("place", UNUSABLE.values(), ids=UNUSABLE.keys())
def test_an_unusable_place_is_refused_before_and_when_writing(place: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"mine")
    with pytest.raises(OutputError, match="could not be written to"):
        check_directory(tmp_path / place)
    with pytest.raises(OutputError, match="could not be written to"):
        write_all(tmp_path / place, LATER)
    assert contents(tmp_path) == {"file": b"mine"}


@pytest.mark.parametrize("place", ["/proc/out", "/sys/out", "/proc/self", "/proc/a/b"])
def test_a_place_that_takes_no_files_is_refused(place: str) -> None:
    if not Path(place).parents[-2].is_dir():
        pytest.skip(f"this system has no {Path(place).parents[-2]}")
    with pytest.raises(OutputError, match="could not be written to"):
        write_all(Path(place), LATER)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_directory_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(OutputError, match="Permission denied"):
        write_all(tmp_path / "out", LATER)


@pytest.mark.parametrize("place", ["", "out", "a/b/c"])
def test_a_usable_place_is_not_created_by_looking_at_it(place: str, tmp_path: Path) -> None:
    check_directory(tmp_path / place)
    assert list(tmp_path.iterdir()) == []


# Encodings


def test_json_is_utf_8_and_refuses_what_json_cannot_say() -> None:
    assert json.loads(encode_json({"name": "Straße", "values": [1.5, None]})) == {
        "name": "Straße",
        "values": [1.5, None],
    }
    assert "Straße" in encode_json({"name": "Straße"}).decode()
    for value in (float("nan"), float("inf")):
        with pytest.raises(ValueError, match="not JSON compliant"):
            encode_json([value])


def test_a_region_comes_back(tmp_path: Path) -> None:
    region = np.random.default_rng(0).random((5, 7)) > 0.5
    path = tmp_path / "Straße.png"
    path.write_bytes(encode_png(region))
    np.testing.assert_array_equal(read_region(path), region)


@pytest.mark.parametrize("content", [None, b"", b"no picture", encode_png(np.ones((9, 9), bool))[:40]])
def test_a_region_that_cannot_be_read_is_refused(
    content: bytes | None, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "region.png"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match="no PNG"):
        read_region(path)
    assert capfd.readouterr().out == ""


def test_a_map_comes_back_without_pickle(tmp_path: Path) -> None:
    saliency = np.linspace(-1, 1, 6, dtype=np.float32).reshape(2, 3)
    path = tmp_path / "saliency.npy"
    path.write_bytes(encode_npy(saliency))
    loaded = np.load(path, allow_pickle=False)
    assert loaded.dtype == np.float32
    np.testing.assert_array_equal(loaded, saliency)
