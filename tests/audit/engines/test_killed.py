"""Kill -9 of a worker and of the driver, on both engines: the same table, and at most one shard a worker twice."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

pytest.importorskip("pyarrow", reason="pyarrow is not installed: tables need it")

from tests.audit.examples import same_content, squares, write
from tests.tiny_models import bright_pixels

IMAGES, WORKERS = 8, 2
PATIENCE = 240.0


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pictures, a model, and the table of an audit that nothing disturbed."""
    folder = tmp_path_factory.mktemp("killed")
    for number in range(IMAGES):
        write(folder / f"data/{number:02}.png", squares((number, number, 6), (1, 18, 3)))
    bright_pixels(folder / "model.onnx")
    (folder / "pre.yaml").write_text(f"scale: {1 / 255}\ncolor: GRAY\n")
    ended = subprocess.run(command(folder, folder / "whole", "inline"), capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    return folder


def command(folder: Path, out: Path, engine: str) -> list[str]:
    """An audit of about half a second an image."""
    workers = [] if engine == "inline" else ["--workers", str(WORKERS), "--threads", "1"]
    return [
        *(
            sys.executable,
            "-m",
            "misure_onnx.cli",
            "audit",
            str(folder / "data"),
            "--model",
            str(folder / "model.onnx"),
        ),
        *("--preprocess", str(folder / "pre.yaml"), "--method", "rise", "--set", "masks=1500"),
        *("--engine", engine, *workers, "--out", str(out), "--json"),
    ]


def shards(out: Path) -> dict[str, tuple[int, int]]:
    """The finished ones: a shard that was written twice has another inode or time."""
    return {file.stem: (file.stat().st_ino, file.stat().st_mtime_ns) for file in (out / "shards").glob("*/*.json")}


def begun(out: Path) -> list[Path]:
    return list((out / "shards").glob("*/*.begun"))


@contextmanager
def running(folder: Path, out: Path, engine: str) -> Iterator["subprocess.Popen[str]"]:
    """An audit in the middle: some images are done, some are not."""
    process = subprocess.Popen(
        command(folder, out, engine), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        deadline = time.monotonic() + PATIENCE
        while not (len(shards(out)) >= 2 and begun(out)):
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline, "no image was finished in time"
            time.sleep(0.01)
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def worker_at_work(out: Path) -> int:
    """The process that has begun a shard, by the name of its file."""
    for file in begun(out):
        return int(file.name.split(".")[1])
    raise AssertionError("nobody is at work")


def assert_whole(out: Path, place: Path) -> None:
    assert same_content(out, place / "whole")
    assert not begun(out)
    assert len(shards(out)) == IMAGES


@pytest.mark.parametrize("engine", ["local", "ray"])
def test_a_worker_that_is_killed_costs_the_shard_it_had(place: Path, engine: str, tmp_path: Path) -> None:
    needs(engine)
    out = tmp_path / "out"
    with running(place, out, engine) as process:
        before = shards(out)
        os.kill(worker_at_work(out), signal.SIGKILL)
        printed, complaint = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, complaint
    counts = json.loads(printed)["run"]["shards"]
    assert (counts["total"], counts["computed"], counts["reused"]) == (IMAGES, IMAGES, 0)
    assert counts["interrupted"] <= 1  # 0 if it was hit between two shards
    assert before.items() <= shards(out).items()
    assert_whole(out, place)


@pytest.mark.parametrize("engine", ["local", "ray"])
def test_a_driver_that_is_killed_goes_on_where_it_stopped(place: Path, engine: str, tmp_path: Path) -> None:
    needs(engine)
    out = tmp_path / "out"
    with running(place, out, engine) as process:
        os.kill(process.pid, signal.SIGKILL)
    wait_for_orphans(out)
    before, left = shards(out), begun(out)
    assert not (out / "audit.parquet").exists()
    assert len(left) <= WORKERS
    ended = subprocess.run(command(place, out, engine), capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout)["run"]["shards"] == {
        "total": IMAGES,
        "computed": IMAGES - len(before),
        "reused": len(before),
        "interrupted": len(left),
    }
    assert before.items() <= shards(out).items()
    assert_whole(out, place)


def test_a_second_audit_in_the_same_folder_is_refused_while_the_first_runs(place: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with running(place, out, "local") as first:
        os.kill(first.pid, signal.SIGSTOP)  # or it might end before the second begins
        second = subprocess.run(command(place, out, "inline"), capture_output=True, text=True, check=False)
        assert (second.returncode, second.stdout) == (2, "")
        assert "an audit is running in" in second.stderr
        os.kill(first.pid, signal.SIGCONT)
        first.communicate(timeout=PATIENCE)
    assert first.returncode == 0
    assert_whole(out, place)


@pytest.fixture
def heeds_ctrl_c() -> Iterator[None]:
    """A shell lets what it runs in the background ignore Ctrl-C, and that is inherited."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("heeds_ctrl_c")
def test_ctrl_c_ends_an_audit_with_a_sentence_that_is_true(place: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with running(place, out, "local") as process:
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does: the whole group
        printed, complaint = process.communicate(timeout=PATIENCE)
    assert (process.returncode, printed) == (1, "")
    assert "misure: error: interrupted; the same command goes on where it stopped" in complaint
    assert "Traceback" not in complaint
    assert subprocess.run(command(place, out, "local"), capture_output=True, check=False).returncode == 0
    assert_whole(out, place)


def wait_for_orphans(out: Path) -> None:
    """Workers end with their driver: what they had begun stays as it is."""
    deadline = time.monotonic() + PATIENCE
    pids = {int(file.name.split(".")[1]) for file in begun(out)}
    while any(alive(pid) for pid in pids):
        assert time.monotonic() < deadline, "a worker outlived its driver"
        time.sleep(0.05)


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(") ", 1)[1][0] != "Z"
    except OSError:
        return False


def needs(engine: str) -> None:
    if engine == "ray":
        pytest.importorskip("ray", reason="ray is not installed")
